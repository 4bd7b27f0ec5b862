"""Which of PyTorch's names a script uses, read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

ROOTS = ("torch", "airi")  # `import airi as torch` is such a script too
RELATED = ("torchaudio", "torchtext", "torchvision")


class Use(NamedTuple):
    """One use: the whole name, the line, and the keywords where it is called."""

    name: str  # "torch.nn.functional.relu"; ".numpy" for a method of something
    line: int
    keywords: tuple[str, ...] = ()


def uses(source: str) -> list[Use]:
    """The uses of a script in the order of its lines; SyntaxError where it is no Python 3."""
    reader = _Reader()
    reader.visit(ast.parse(source))
    return sorted(reader.found, key=lambda use: use.line)


class _Reader(ast.NodeVisitor):
    """Follows names that imports bind, and forgets them where a function binds them anew."""

    def __init__(self) -> None:
        self.found: list[Use] = []
        self.torch: dict[str, str] = {}  # local name -> PyTorch's
        self.others: set[str] = set()  # names of other modules: np, plt
        self.hidden: list[set[str]] = []  # names that the functions around bind themselves

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            top = each.name.partition(".")[0]
            local = each.asname or top
            if top in ROOTS:
                self._add(each.name, node)
                self.torch[local] = _pytorchs(each.name if each.asname else top)
            elif top in RELATED:
                self._add(each.name, node)
                self.others.add(local)
            else:
                self.others.add(local)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        top = (node.module or "").partition(".")[0]
        if node.level == 0 and top in RELATED:
            self._add(str(node.module), node)
        for each in node.names:
            local = each.asname or each.name
            if node.level == 0 and top in ROOTS:
                if each.name == "*":
                    self._add(str(node.module), node)
                    continue
                self._add(f"{node.module}.{each.name}", node)
                self.torch[local] = _pytorchs(f"{node.module}.{each.name}")
            else:
                self.others.add(local)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        self.hidden.append(_bound(node))
        self.generic_visit(node)
        self.hidden.pop()

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef

    def visit_Call(self, node: ast.Call) -> None:
        name = self._name(node.func)
        if name is not None:
            keywords = tuple(each.arg for each in node.keywords if each.arg is not None)
            self._add(name, node, keywords)
        elif isinstance(node.func, ast.Attribute):
            if not self._is_of_other_module(node.func):
                self._add(f".{node.func.attr}", node.func)
            self.visit(node.func.value)
        else:
            self.visit(node.func)
        for argument in (*node.args, *node.keywords):
            self.visit(argument)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        name = self._name(node)
        if name is not None:
            self._add(name, node)
        else:
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        name = self._name(node)
        if name is not None and name not in ROOTS:
            self._add(name, node)

    def _add(self, name: str, node: ast.AST, keywords: tuple[str, ...] = ()) -> None:
        line: int = getattr(node, "lineno", 0)
        self.found.append(Use(_pytorchs(name), line, keywords))

    def _name(self, node: ast.expr) -> str | None:
        """PyTorch's name of an expression such as ``F.relu``; None where it is none."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.torch or self._hides(node.id):
            return None
        return ".".join([self.torch[node.id], *reversed(parts)])

    def _is_of_other_module(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.others and not self._hides(node.id)

    def _hides(self, name: str) -> bool:
        return any(name in names for names in self.hidden)


def _pytorchs(name: str) -> str:
    """``airi.nn`` is ``torch.nn`` in a script that says ``import airi``."""
    return "torch" + name.removeprefix("airi") if name.partition(".")[0] == "airi" else name


def _bound(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """The names of a function's arguments and of what it assigns."""
    arguments = function.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    listed += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    names = {each.arg for each in listed}
    body = function.body if isinstance(function.body, list) else []
    for node in _own_nodes(body):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """All nodes of a body but those of functions and classes inside it."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
