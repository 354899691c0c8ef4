"""fhirpy, unmodified, against a real node: `python story.py BASE TOKEN`. Each line says whether a sentence is true."""

import sys

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

base, token = sys.argv[1:]
client = SyncFHIRClient(base, authorization=f"Bearer {token}")


def sentence(said, truth):
    print("yes" if truth else "no", said, flush=True)


patient = client.resource("Patient", name=[{"family": "Nayeli", "given": ["Sol"]}], birthDate="1971-01-02")
patient.identifier = [{"system": "urn:test", "value": "nayeli-1"}]
patient.save()
sentence("saves", patient.id is not None)

patient["gender"] = "female"
patient.save()
patient.refresh()
sentence("saves again and reads", patient["gender"] == "female")

patient.patch(birthDate="1971-01-03")
patient.refresh()
sentence("patches", patient["birthDate"] == "1971-01-03")

for day in range(1, 6):
    client.resource(
        "Observation",
        status="final",
        code={"text": "Peso"},
        subject=patient.to_reference(),
        effectiveDateTime=f"2024-02-0{day}",
        valueQuantity={"value": 60 + day, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    ).save()

found = client.resources("Observation").search(subject=patient.to_reference().reference).limit(2)
sentence("fetches all pages", len(found.fetch_all()) == 5)
raw = client.resources("Observation").search(subject=patient.to_reference().reference, _total="accurate").fetch_raw()
sentence("counts", raw["total"] == 5)
try:
    found.count()
    sentence("is told that `_totalMethod`, a parameter of one product's own, is not known", False)
except OperationOutcome:
    sentence("is told that `_totalMethod`, a parameter of one product's own, is not known", True)
sentence("sorts", [one["valueQuantity"]["value"] for one in found.sort("-date").fetch()] == [65, 64])
first = found.search(date__ge="2024-02-04").sort("date").first()
sentence("finds the first", first["valueQuantity"]["value"] == 64)
sentence("resolves a reference", first["subject"].to_resource()["name"][0]["family"] == "Nayeli")

same, created = client.resources("Patient").search(identifier="urn:test|nayeli-1").update(
    client.resource("Patient", identifier=[{"system": "urn:test", "value": "nayeli-1"}], active=True)
)
sentence("updates what a condition matches", not created and same.id == patient.id)

first.delete()
try:
    client.reference("Observation", first.id).to_resource()
    sentence("is told that a deleted one is gone", False)
except (ResourceNotFound, OperationOutcome):
    sentence("is told that a deleted one is gone", True)
try:
    client.resources("Patient").search(shoe="44").fetch()
    sentence("is refused an unknown parameter", False)
except OperationOutcome:
    sentence("is refused an unknown parameter", True)
