"""The distributions that the tests run through: how each is made, and outcomes to ask it about.

``make(package)`` makes it from parameters that require grad, in airi or in PyTorch, and returns it
with them.
"""

from dataclasses import dataclass

import numpy as np


@dataclass
class Case:
    """A distribution: its name, its parameters by name, and outcomes with their probabilities."""

    name: str
    parameters: dict
    values: object
    plain: dict

    def __str__(self):
        return f"{self.name}({', '.join({**self.parameters, **self.plain})})"

    def make(self, package, **kwargs):
        tensors = {
            name: package.tensor(np.asarray(value, float), requires_grad=True)
            for name, value in self.parameters.items()
        }
        distribution = getattr(package.distributions, self.name)
        return distribution(**tensors, **self.plain, **kwargs), list(tensors.values())


def case(name, values, plain=None, **parameters):
    return Case(name, parameters, np.asarray(values, float), plain or {})


REAL = [[-1.5, 0.3], [0.0, 2.5], [0.7, -0.2]]
POSITIVE = [[0.2, 1.3], [2.5, 0.7], [4.0, 0.05]]
UNIT = [[0.2, 0.9], [0.5, 0.05], [0.99, 0.4]]
COUNTS = [[0, 3], [1, 2], [5, 0]]
SIMPLEX = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
LOWER = [[1.2, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.4, 0.2, 1.5]]
COVARIANCE = np.array(LOWER) @ np.array(LOWER).T
FACTOR = [[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.48, 0.36, 0.8]]
VECTORS = [[0.1, -0.3, 2.0], [1.0, 0.5, -0.5]]

CASES = [
    case("Normal", REAL, loc=[0.3, -1.0], scale=[1.2, 0.4]),
    case("LogNormal", POSITIVE, loc=[0.3, -1.0], scale=[1.2, 0.4]),
    case("HalfNormal", POSITIVE, scale=[1.2, 0.4]),
    case("Laplace", REAL, loc=[0.3, -1.0], scale=[1.2, 0.4]),
    case("Cauchy", REAL, loc=[0.3, -1.0], scale=[1.2, 0.4]),
    case("HalfCauchy", POSITIVE, scale=[1.2, 0.4]),
    case("Gumbel", REAL, loc=[0.3, -1.0], scale=[1.2, 0.9]),
    case("StudentT", REAL, df=[1.5, 4.0], loc=[0.3, -1.0], scale=[1.2, 0.4]),
    case("Uniform", REAL, low=[-2.0, -1.0], high=[1.0, 3.0]),
    case("Exponential", POSITIVE, rate=[0.7, 2.0]),
    case("Gamma", POSITIVE, concentration=[0.7, 3.0], rate=[0.5, 2.0]),
    case("InverseGamma", POSITIVE, concentration=[1.7, 3.0], rate=[0.5, 2.0]),
    case("Chi2", POSITIVE, df=[1.0, 4.0]),
    case("FisherSnedecor", POSITIVE, df1=[3.0, 4.0], df2=[5.0, 6.5]),
    case("Beta", UNIT, concentration1=[0.7, 3.0], concentration0=[0.5, 2.0]),
    case("Kumaraswamy", UNIT, concentration1=[1.7, 3.0], concentration0=[1.5, 2.0]),
    case("Dirichlet", SIMPLEX, concentration=[[0.7, 3.0, 1.0], [0.2, 0.5, 0.9]]),
    case("Pareto", np.add(POSITIVE, 1.0), scale=[0.7, 0.9], alpha=[2.5, 3.0]),
    case(
        "GeneralizedPareto",
        [[0.7, 2.9, 0.1], [1.5, 4.0, 0.4]],
        loc=[0.2, 1.5, 0.0],
        scale=[1.2, 0.4, 0.7],
        concentration=[0.3, 0.0, -0.5],
    ),
    case("Weibull", POSITIVE, scale=[0.7, 0.9], concentration=[1.5, 3.0]),
    case("VonMises", REAL, loc=[0.3, -1.0], concentration=[1.2, 30.0]),
    case("Bernoulli", [[0, 1], [1, 1]], probs=[0.3, 0.9]),
    case("Bernoulli", [[0, 1], [1, 1]], logits=[0.3, -2.0]),
    case("ContinuousBernoulli", UNIT, probs=[0.3, 0.9]),
    case("ContinuousBernoulli", UNIT, logits=[5.0, -2.0]),
    case("Geometric", COUNTS, probs=[0.3, 0.9]),
    case("Geometric", COUNTS, logits=[0.3, -2.0]),
    case("Binomial", COUNTS, plain={"total_count": 5}, probs=[0.3, 0.9]),
    case("Binomial", COUNTS, plain={"total_count": 5}, logits=[0.3, -2.0]),
    case("NegativeBinomial", COUNTS, total_count=[3.0, 1.5], probs=[0.3, 0.9]),
    case("NegativeBinomial", COUNTS, total_count=[3.0, 1.5], logits=[0.3, -2.0]),
    case("Poisson", COUNTS, rate=[0.7, 4.0]),
    case("Categorical", [[0, 2], [1, 1]], probs=[[0.2, 0.5, 0.3], [2.0, 1.0, 3.0]]),
    case("Categorical", [[0, 2], [1, 1]], logits=[[0.2, 0.5, 0.3], [2.0, 1.0, 3.0]]),
    case("OneHotCategorical", np.eye(3)[[2, 0]], probs=[[0.2, 0.5, 0.3], [2.0, 1.0, 3.0]]),
    case("OneHotCategoricalStraightThrough", np.eye(3)[[2, 0]], logits=[[0.2, 0.5, 0.3]] * 2),
    case("Multinomial", [[2, 0, 2], [1, 1, 2]], plain={"total_count": 4}, probs=SIMPLEX),
    case("Multinomial", [[2, 0, 2], [1, 1, 2]], plain={"total_count": 4}, logits=VECTORS),
    case("RelaxedBernoulli", UNIT, temperature=0.4, probs=[0.3, 0.9]),
    case("RelaxedBernoulli", UNIT, temperature=0.7, logits=[0.3, -2.0]),
    case("RelaxedOneHotCategorical", SIMPLEX, temperature=0.7, probs=SIMPLEX),
    case("RelaxedOneHotCategorical", SIMPLEX, temperature=2.0, logits=VECTORS),
    case("LogisticNormal", SIMPLEX, loc=[[0.3, -1.0], [0.2, 0.1]], scale=[[1.2, 0.4], [1.0, 2.0]]),
    case("MultivariateNormal", VECTORS, loc=VECTORS[0], covariance_matrix=COVARIANCE),
    case("MultivariateNormal", VECTORS, loc=VECTORS, scale_tril=LOWER),
    case("MultivariateNormal", VECTORS, loc=VECTORS[0], precision_matrix=COVARIANCE),
    case("LKJCholesky", [FACTOR, FACTOR], plain={"dim": 3}, concentration=[0.8, 3.0]),
    case("Wishart", [COVARIANCE, 2 * COVARIANCE], df=[3.5, 7.0], covariance_matrix=COVARIANCE),
    case("Wishart", [COVARIANCE, 2 * COVARIANCE], df=6.0, scale_tril=[LOWER, LOWER]),
    case("Wishart", [COVARIANCE, 2 * COVARIANCE], df=[4.0, 5.0], precision_matrix=COVARIANCE),
    case(
        "LowRankMultivariateNormal",
        VECTORS,
        loc=VECTORS,
        cov_factor=[[0.5, 1.0], [0.2, -0.3], [1.0, 0.0]],
        cov_diag=[1.0, 0.5, 2.0],
    ),
]
