"""Arithmetic over quoted figures: what a computed claim of a report says it is computed from."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext

MOST_CHARACTERS = 120

_BINARY: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class NotComputable(ValueError):
    """An expression is no arithmetic of plain numbers; the text says why."""


def compute(expression: str) -> tuple[Decimal, tuple[str, ...]]:
    """Return the value of ``expression`` and the numbers in it, as they are written.

    Numbers, ``+ - * /`` and parentheses are allowed; a comma between three digits is left out.

    Raises:
        NotComputable: it is anything else, too long, or divides by zero.
    """
    written = expression.strip()[: MOST_CHARACTERS + 1]
    try:
        tree = ast.parse(written.replace(",", ""), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotComputable("it is no arithmetic") from error
    if len(written) > MOST_CHARACTERS:
        raise NotComputable("it is too long")
    numbers: list[str] = []
    try:
        with localcontext(prec=28):
            return _value(tree.body, numbers), tuple(numbers)
    except (DivisionByZero, InvalidOperation, Overflow) as error:
        raise NotComputable("it has no value") from error


def _value(node: ast.expr, numbers: list[str]) -> Decimal:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            numbers.append(str(value))
            return Decimal(str(value))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, numbers)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_value(left, numbers), _value(right, numbers))
    raise NotComputable("it is no arithmetic of plain numbers")
