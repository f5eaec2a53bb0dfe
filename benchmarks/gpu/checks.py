"""What counts as right, and the record of what was checked."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Callable, Optional

import torch
from torch import Tensor

from plait import STATUS_NAMES, PlaitError

# Bits of the significand, the hidden one too, and the smallest exponent of a normal number.
_FORMATS = {torch.float32: (24, -126), torch.bfloat16: (8, -126), torch.float16: (11, -14), torch.float64: (53, -1022)}
_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@dataclass
class Pair:
    """The same textbook computation in float64 and in float32, and the latter's largest error."""

    exact: Tensor
    worst: float

    @staticmethod
    def of(exact: Tensor, textbook: Tensor) -> "Pair":
        exact, error = exact.detach(), _error(textbook.detach().double(), exact.detach())
        error = torch.where(torch.isfinite(error), error, torch.zeros_like(error))
        return Pair(exact, float(error.max()) if error.numel() else 0.0)

    def rows(self, rows) -> "Pair":
        return Pair(self.exact[rows], self.worst)


@dataclass
class Family:
    checks: int = 0
    failures: list[str] = field(default_factory=list)
    # Largest error over what the criterion allows.
    worst: float = 0.0
    worst_at: str = ""


class Checks:
    def __init__(self) -> None:
        self.families: "OrderedDict[str, Family]" = OrderedDict()
        self.not_run: list[str] = []
        self._family = Family()
        self._begun = time.monotonic()

    def family(self, name: str) -> None:
        self._family = self.families.setdefault(name, Family())

    def close(self, name: str, got: Tensor, pair: Pair, zero: bool = False) -> None:
        """An error of at most twice the textbook's in float32, plus one rounding to the type of `got`.

        `zero`: what is compared may be zero throughout.
        """
        got64, exact = got.detach().double(), pair.exact.double()
        if exact.numel() == 0:
            return self.true(name, got64.numel() == 0, "expected no elements")
        if not zero:
            finite = exact[torch.isfinite(exact)]
            self.true(name, finite.numel() > 0 and float(finite.abs().max()) > 1e-6, "what is compared is trivially zero")
        error = _error(got64, exact)
        allowed = 2 * pair.worst + _rounding(got.dtype, torch.maximum(got64.abs(), exact.abs()))
        wrong = ~(error <= allowed)
        share = float(torch.nan_to_num((error / allowed), nan=0.0, posinf=0.0).max())
        if share > self._family.worst:
            self._family.worst, self._family.worst_at = share, name
        detail = ""
        if bool(wrong.any()):
            at = int(wrong.flatten().nonzero()[0])
            detail = (
                f"{int(wrong.sum())} of {wrong.numel()} elements, first {at}: expected {float(exact.flatten()[at])!r} "
                f"+- {float(allowed.flatten()[at]):.3g}, got {float(got64.flatten()[at])!r}"
            )
        self.true(name, not detail, detail)

    def same_bits(self, name: str, got: Tensor, expected: Tensor) -> None:
        a, b = (t.contiguous().view(_INTEGERS[t.element_size()]) for t in (got, expected))
        same = a.shape == b.shape and bool((a == b).all())
        detail = "" if same else f"{int((a != b).sum())} of {a.numel()} elements differ in bits"
        self.true(name, same, detail)

    def true(self, name: str, condition: bool, detail: str = "") -> None:
        self._family.checks += 1
        if not condition:
            self._family.failures.append(f"{name}: {detail}")
            print(f"    FAILED {name}: {detail}", flush=True)

    def refused(self, name: str, call: Callable[[], None], status: int, text: str) -> None:
        message: Optional[str] = None
        got = 0
        try:
            call()
        except PlaitError as error:
            got, message = error.status, error.message
        right = got == status and message is not None and text in message
        expected = f"expected {STATUS_NAMES[status]} with '{text}', got {STATUS_NAMES[got]}: {message}"
        self.true(name, right, expected)

    def skip(self, what: str) -> None:
        self.not_run.append(what)
        print(f"    not run: {what}", flush=True)

    def progress(self, text: str) -> None:
        print(f"  [{time.monotonic() - self._begun:6.1f} s] {text}", flush=True)

    @property
    def failed(self) -> int:
        return sum(len(f.failures) for f in self.families.values())

    def to_json(self) -> dict:
        return {
            "families": {name: asdict(family) for name, family in self.families.items()},
            "not_run": self.not_run,
            "seconds": time.monotonic() - self._begun,
        }


def _error(got: Tensor, exact: Tensor) -> Tensor:
    """|got - exact|; 0 where both are NaN or the same infinity, infinite where only one is."""
    same = (got == exact) | (got.isnan() & exact.isnan())
    error = (got - exact).abs()
    error = torch.where(error.isnan(), torch.full_like(error, float("inf")), error)
    return torch.where(same, torch.zeros_like(error), error)


def _rounding(dtype: torch.dtype, magnitude: Tensor) -> Tensor:
    """Half the distance between neighbouring numbers of a type."""
    precision, smallest = _FORMATS[dtype]
    finite = torch.where(torch.isfinite(magnitude), magnitude, torch.zeros_like(magnitude))
    exponent = torch.frexp(finite).exponent - 1
    exponent = torch.where(finite == 0, torch.full_like(exponent, smallest), exponent.clamp(min=smallest))
    return torch.full_like(magnitude, 2.0).pow(exponent - precision)


def scalar_within(got: float, exact: float, textbook: float, magnitude: float) -> bool:
    """A loss: relative to the sum of its terms' sizes, since terms cancel."""
    return isfinite(got) and abs(got - exact) <= max(2 * abs(textbook - exact), 1e-6 * magnitude)
