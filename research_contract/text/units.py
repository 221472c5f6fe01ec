"""Units with their size in a base unit, and the words that scale numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal


def _units(base: str, sizes: str) -> dict[str, tuple[str, Decimal]]:
    """Return the units of one kind from lines such as ``1000 km kilometer kilometers``."""
    rows = [line.split() for line in sizes.strip().splitlines()]
    return {name: (base, Decimal(size)) for size, *names in rows for name in names}


UNITS: Mapping[str, tuple[str, Decimal]] = {
    **_units("%", "1 % percent pct prozent procent pourcent"),
    **_units(
        "m",
        """
        0.001 mm millimeter millimeters
        0.01 cm centimeter centimeters
        1 m meter meters
        1000 km kms kilometer kilometers
        0.0254 inch inches
        0.3048 ft foot feet
        0.9144 yard yards
        1609.344 mile miles
        """,
    ),
    **_units(
        "m²",
        """
        1 m² sqm
        10000 ha hectare hectares
        1000000 km²
        4046.8564224 acre acres
        """,
    ),
    **_units(
        "kg",
        """
        0.000001 mg milligram milligrams
        0.001 g gram grams gramm
        1 kg kilo kilos kilogram kilograms kilogramm
        1000 t ton tons tonne tonnes tonnen
        0.45359237 lb lbs pound pounds
        """,
    ),
    **_units(
        "l",
        """
        0.001 ml milliliter milliliters
        1 l liter liters
        3.785411784 gallon gallons
        1000 m³
        """,
    ),
    **_units(
        "s",
        """
        0.001 ms millisecond milliseconds
        1 s sec secs second seconds sekunde sekunden
        60 min mins minute minutes minuten
        3600 h hr hrs hour hours stunde stunden
        86400 day days tag tage
        604800 week weeks woche wochen
        """,
    ),
    **_units("month", "1 month months monat monate"),
    **_units("year", "1 year years yr yrs jahr jahre"),
    **_units(
        "byte",
        """
        1000 kb kilobyte kilobytes
        1000000 mb megabyte megabytes
        1000000000 gb gigabyte gigabytes
        1000000000000 tb terabyte terabytes
        """,
    ),
    **_units(
        "W",
        """
        1 w watt watts
        1000 kw kilowatt kilowatts
        1000000 mw megawatt megawatts
        1000000000 gw gigawatt gigawatts
        """,
    ),
    **_units("$", "1 usd dollar dollars"),
    **_units("€", "1 eur euro euros"),
    **_units("£", "1 gbp"),
    **_units("¥", "1 jpy yen"),
    **_units("CHF", "1 chf"),
    **_units("SEK", "1 sek"),
    **_units("NOK", "1 nok"),
    **_units("DKK", "1 dkk"),
    **_units("PLN", "1 pln"),
    **_units("CZK", "1 czk"),
    **_units("°C", "1 °c celsius"),
    **_units("°F", "1 °f fahrenheit"),
}
"""By the name of a unit in lower case: its base unit, and its size in that unit."""

SCALES: Mapping[str, int] = {
    "k": 10**3,
    "thousand": 10**3,
    "m": 10**6,
    "mn": 10**6,
    "million": 10**6,
    "millions": 10**6,
    "millionen": 10**6,
    "mio": 10**6,
    "b": 10**9,
    "bn": 10**9,
    "billion": 10**9,
    "billions": 10**9,
    "milliarden": 10**9,
    "mrd": 10**9,
    "trillion": 10**12,
    "hundred": 100,
}
