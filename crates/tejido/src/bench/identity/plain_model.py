"""A plain Splink model of a table, as its own examples build one: python plain_model.py IN.csv OUT.json

The table has `id` and some of first_name, surname, dob, birth_place, postcode, suburb, street, occupation, number.
OUT gets seconds (training included, reading left out), the pairs' probabilities at 0.5 and 0.95 as pairs of ids, and
clusters at 0.5 and 0.95 with the seconds that each took.
"""

import json
import sys
import time

import duckdb
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
import splink.comparison_library as cl

base = duckdb.connect()
base.sql(f"create table input as select * replace (id::bigint as id) from read_csv('{sys.argv[1]}', all_varchar = true)")
names = [row[0] for row in base.sql("describe input").fetchall()]
has = {n for n in names if base.sql(f'select count("{n}") from input').fetchall()[0][0] > 0}
comparisons, rules = [], []
for name in ("first_name", "surname"):
    if name in has:
        comparisons.append(cl.NameComparison(name).configure(term_frequency_adjustments=True))
if "dob" in has:
    base.sql(r"update input set dob = regexp_replace(dob, '^(\d{4})(\d{2})(\d{2})$', '\1-\2-\3')")
    comparisons.append(cl.DateOfBirthComparison("dob", input_is_string=True))
for name in ("postcode", "suburb", "street", "birth_place", "occupation"):
    if name in has:
        fuzzy = name in ("suburb", "street")
        one = cl.JaroWinklerAtThresholds(name, [0.9, 0.8]) if fuzzy else cl.ExactMatch(name)
        comparisons.append(one.configure(term_frequency_adjustments=True))
if "number" in has:
    comparisons.append(cl.LevenshteinAtThresholds("number", [1]))
for pair in (
    ("first_name", "surname"),
    ("surname", "dob"),
    ("first_name", "dob"),
    ("postcode", "first_name"),
    ("postcode", "surname"),
    ("dob", "birth_place"),
    ("dob", "postcode"),
    ("street", "suburb"),
    ("number",),
):
    if all(name in has for name in pair):
        rules.append(block_on(*pair))

began = time.time()
api = DuckDBAPI(connection=base)
settings = SettingsCreator(
    link_type="dedupe_only",
    unique_id_column_name="id",
    comparisons=comparisons,
    blocking_rules_to_generate_predictions=rules,
)
linker = Linker(api.register(base.table("input")), settings)
certain = [block_on(*(n for n in ("first_name", "surname", "dob") if n in has))]
linker.training.estimate_probability_two_random_records_match(certain, recall=0.6)
linker.training.estimate_u_using_random_sampling(max_pairs=5e6)
linker.training.estimate_parameters_using_expectation_maximisation(block_on("first_name", "surname"))
if "dob" in has:
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("dob"))
predicted = linker.inference.predict(threshold_match_probability=0.5)
out = {"seconds": time.time() - began}
for at in (0.5, 0.95):
    pairs = f"select id_l, id_r from {predicted.physical_name} where match_probability >= {at}"
    out[f"pairs_{at}"] = base.sql(pairs).fetchall()
    began = time.time()
    groups = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, at)
    out[f"grouping_{at}"] = time.time() - began
    out[f"clusters_{at}"] = base.sql(f"select id, cluster_id::varchar from {groups.physical_name}").fetchall()
out["version"] = __import__("splink").__version__ + " on DuckDB " + duckdb.__version__
with open(sys.argv[2], "w") as file:
    json.dump(out, file)
