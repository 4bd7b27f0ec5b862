"""A policy that learns to balance a pole on a cart by trying: REINFORCE.

The cart-pole is written out below:  python examples/reinforce.py

Source: R. Williams, "Simple statistical gradient-following algorithms for connectionist
reinforcement learning" (1992); A. Barto, R. Sutton and C. Anderson, "Neuronlike adaptive elements
that can solve difficult learning control problems" (1983).
"""

import argparse
import math
import random

import airi as torch
import airi.nn as nn
import airi.nn.functional as F
import airi.optim as optim
from airi.distributions import Categorical


class CartPole:
    """A pole on a cart that is pushed to the left (0) or to the right (1) at each step."""

    gravity, cart, pole, half_length, force, seconds = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02

    def reset(self):
        self.state = [random.uniform(-0.05, 0.05) for _ in range(4)]
        return self.state

    def step(self, action):
        """The next state, and whether the pole fell or the cart left the track."""
        x, speed, angle, turning = self.state
        push = self.force if action == 1 else -self.force
        mass = self.cart + self.pole
        sin, cos = math.sin(angle), math.cos(angle)
        common = (push + self.pole * self.half_length * turning**2 * sin) / mass
        leverage = self.half_length * (4 / 3 - self.pole * cos**2 / mass)
        turn = (self.gravity * sin - cos * common) / leverage
        acceleration = common - self.pole * self.half_length * turn * cos / mass
        self.state = [
            x + self.seconds * speed,
            speed + self.seconds * acceleration,
            angle + self.seconds * turning,
            turning + self.seconds * turn,
        ]
        fell = abs(self.state[0]) > 2.4 or abs(self.state[2]) > 12 * math.pi / 180
        return self.state, fell


class Policy(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.affine1 = nn.Linear(4, hidden)
        self.dropout = nn.Dropout(p=0.3)
        self.affine2 = nn.Linear(hidden, 2)

    def forward(self, x):
        x = F.relu(self.dropout(self.affine1(x)))
        return F.softmax(self.affine2(x), dim=1)


def play(policy, world, longest):
    """One episode: the log-probabilities of what was done, and the rewards."""
    state, log_probabilities, rewards = world.reset(), [], []
    for _ in range(longest):
        probabilities = policy(torch.tensor(state).unsqueeze(0))
        choice = Categorical(probabilities)
        action = choice.sample()
        log_probabilities.append(choice.log_prob(action))
        state, fell = world.step(action.item())
        rewards.append(1.0)
        if fell:
            break
    return log_probabilities, rewards


def policy_loss(log_probabilities, rewards, discount=0.99):
    """What was followed by much reward is to become likelier."""
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + discount * total
        returns.insert(0, total)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + torch.finfo(torch.float32).eps)
    terms = [-each * value for each, value in zip(log_probabilities, returns)]
    return torch.cat(terms).sum()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=250)
    parser.add_argument("--quick", action="store_true", help="eight episodes")
    args = parser.parse_args(argv)
    episodes = 8 if args.quick else args.episodes

    torch.manual_seed(543)
    random.seed(543)
    world, policy = CartPole(), Policy()
    optimizer = optim.Adam(policy.parameters(), lr=1e-2)
    running, losses = 10.0, []
    for episode in range(1, episodes + 1):
        log_probabilities, rewards = play(policy, world, longest=100 if args.quick else 500)
        loss = policy_loss(log_probabilities, rewards)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        running = 0.95 * running + 0.05 * len(rewards)
        if episode % 25 == 0 or episode == episodes:
            print(f"episode {episode}: {len(rewards)} steps, on average {running:.1f}")
    return losses


if __name__ == "__main__":
    main()
