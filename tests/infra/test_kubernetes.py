"""Kubernetes: schemas, KEDA, and what the overlays may change, each check seen to fail."""

from __future__ import annotations

import copy
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

BASE = "infra/kubernetes/base"
OVERLAYS = ("dev", "prod")


def documents(folder):
    """Every object of a folder but kustomize's own, by kind."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if document["kind"] != "Kustomization":
                found[document["kind"]] = document
    return found


@pytest.fixture(scope="session")
def base(root):
    return documents(root / BASE)


@pytest.fixture(scope="session")
def pod(base):
    return base["Deployment"]["spec"]["template"]["spec"]


def closed(schema):
    """A schema that refuses what it does not name."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            closed(value)
    elif isinstance(schema, list):
        for value in schema:
            closed(value)
    return schema


@pytest.fixture(scope="session")
def keda(reference):
    crd = yaml.safe_load(reference("schemas/keda-scaledobject-crd.yaml").read_text(encoding="utf-8"))
    schema = closed(copy.deepcopy(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))
    schema["properties"]["metadata"] = {"type": "object"}
    return Draft202012Validator(schema)


def kubernetes_files(root):
    return [
        path
        for path in sorted((root / "infra/kubernetes").rglob("*.yaml"))
        if path.name not in {"kustomization.yaml", "scaledobject.yaml", "scaling.yaml", "trigger.yaml"}
    ]


def test_objects_fit_kubernetes(tool, run, root):
    result = run(tool("kubernetes-validate"), "--strict", *kubernetes_files(root))
    assert result.returncode == 0, result.stdout
    assert "WARN" not in result.stdout, "an object of a kind that nobody checked"


def test_a_misspelt_field_is_seen(tool, run, a_copy, plant):
    folder = a_copy(BASE)
    plant(folder / "deployment.yaml", "readOnlyRootFilesystem", "readOnlyRootFileSystem")
    result = run(tool("kubernetes-validate"), "--strict", folder / "deployment.yaml")
    assert result.returncode != 0


def test_scaling_fits_keda(keda, base):
    assert [error.message for error in keda.iter_errors(base["ScaledObject"])] == []


def test_a_misspelt_replica_count_is_seen(keda, base):
    planted = copy.deepcopy(base["ScaledObject"])
    planted["spec"]["minReplicas"] = planted["spec"].pop("minReplicaCount")
    assert any("minReplicas" in error.message for error in keda.iter_errors(planted))


def test_one_replica_always_runs_for_the_timers(base):
    assert base["ScaledObject"]["spec"]["minReplicaCount"] >= 1
    assert base["ScaledObject"]["spec"]["scaleTargetRef"]["name"] == base["Deployment"]["metadata"]["name"]
    assert base["ConfigMap"]["data"]["AzureFunctionsWebHost__hostid"]


def test_scaling_watches_the_queue_that_is_loaded_from(base, root):
    queue = re.search(r'LOADS = "([^"]+)"', (root / "function_app.py").read_text(encoding="utf-8"))[1]
    triggers = [base["ScaledObject"]["spec"]["triggers"]]
    triggers += [
        documents(root / f"infra/kubernetes/overlays/{name}")["ScaledObject"]["spec"]["triggers"]
        for name in OVERLAYS
    ]
    assert {trigger["metadata"]["queueName"] for group in triggers for trigger in group} == {queue}


def test_the_pod_can_do_little(pod):
    container = pod["containers"][0]["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["readOnlyRootFilesystem"]
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert pod["automountServiceAccountToken"] is False


def test_the_pod_has_limits_and_probes(pod):
    container = pod["containers"][0]
    assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
    assert container["readinessProbe"]["httpGet"]["path"] == "/api/health"
    assert container["livenessProbe"]["httpGet"]["path"] != "/api/health", (
        "a lost database must not restart pods"
    )


def test_the_port_is_the_images(pod, root):
    port = pod["containers"][0]["ports"][0]["containerPort"]
    assert f"EXPOSE {port}" in (root / "Dockerfile").read_text(encoding="utf-8")


def test_keys_are_read_from_where_they_are_mounted_and_never_written(base, pod):
    # The host's kind "kubernetes" watches the mount with a loop that takes a core, and writes what it misses.
    assert base["ConfigMap"]["data"]["AzureWebJobsSecretStorageType"] == "ContainerApps"
    (mount,) = (mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "keys")
    assert mount["mountPath"] == "/run/secrets/functions-keys"
    assert mount["readOnly"] is True


def test_no_key_stands_in_the_repository(base, root):
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in (root / "infra/kubernetes").rglob("*") if path.is_file()
    )
    assert "Secret" not in base
    assert not re.search(r"AccountKey=|InstrumentationKey=|PWD=|Password=", text)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_changes_only_what_the_base_has(root, base, overlay):
    folder = root / f"infra/kubernetes/overlays/{overlay}"
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert [(folder / path).resolve() for path in kustomization["resources"]] == [(root / BASE).resolve()]
    for patch in kustomization["patches"]:
        document = yaml.safe_load((folder / patch["path"]).read_text(encoding="utf-8"))
        assert document["metadata"]["name"] == base[document["kind"]]["metadata"]["name"]
    generated = {one["name"] for one in kustomization["configMapGenerator"]}
    wanted = {
        source["configMapRef"]["name"]
        for source in base["Deployment"]["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    }
    assert wanted == generated | {base["ConfigMap"]["metadata"]["name"]}


@pytest.fixture
def built(tool, run):
    """What kustomize makes of an overlay, by kind."""

    def build(folder):
        result = run(tool("kubectl"), "kustomize", folder)
        assert result.returncode == 0, result.stderr
        return {document["kind"]: document for document in yaml.safe_load_all(result.stdout)}

    return build


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_an_overlay_builds_fits_kubernetes_and_keda(root, tool, run, built, keda, overlay, tmp_path):
    objects = built(root / f"infra/kubernetes/overlays/{overlay}")
    for kind in ("ScaledObject", "TriggerAuthentication"):
        document = objects.pop(kind)
        assert kind != "ScaledObject" or [error.message for error in keda.iter_errors(document)] == []
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects.values()))
    result = run(tool("kubernetes-validate"), "--strict", file)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_builds_pods_that_find_what_they_name(root, built, overlay):
    objects = built(root / f"infra/kubernetes/overlays/{overlay}")
    pod = objects["Deployment"]["spec"]["template"]
    labels, container = pod["metadata"]["labels"], pod["spec"]["containers"][0]
    assert container["image"].startswith("registry.example/arbitrage:")
    generated = [source["configMapRef"]["name"] for source in container["envFrom"]]
    assert objects["ConfigMap"]["metadata"]["name"] in generated
    assert pod["spec"]["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]
    for selector in (
        objects["Service"]["spec"]["selector"],
        objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        objects["Deployment"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    trigger = objects["ScaledObject"]["spec"]["triggers"][0]
    assert trigger["authenticationRef"]["name"] == objects["TriggerAuthentication"]["metadata"]["name"]
    assert {document["metadata"].get("namespace", "arbitrage") for document in objects.values()} == {
        "arbitrage"
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_and_keda_log_in_as_the_same_identity(root, built, overlay):
    objects = built(root / f"infra/kubernetes/overlays/{overlay}")
    account, trigger = objects["ServiceAccount"], objects["TriggerAuthentication"]["spec"]["podIdentity"]
    assert trigger["provider"] == "azure-workload"
    assert trigger["identityId"] == account["metadata"]["annotations"]["azure.workload.identity/client-id"]


def test_a_patch_of_something_that_is_not_there_is_seen(tool, run, a_copy, plant):
    folder = a_copy("infra/kubernetes")
    plant(folder / "overlays/dev/scaling.yaml", "name: arbitrage\nspec", "name: arbitrag\nspec")
    assert run(tool("kubectl"), "kustomize", folder / "overlays/dev").returncode != 0


def test_the_base_names_every_file_it_has(root):
    named = set(yaml.safe_load((root / BASE / "kustomization.yaml").read_text(encoding="utf-8"))["resources"])
    assert named == {path.name for path in (root / BASE).glob("*.yaml")} - {"kustomization.yaml"}


def test_the_document_has_every_step_to_pods_that_start(root):
    text = (root / "docs/deploy.md").read_text(encoding="utf-8")
    section = re.search(r"(?ms)^## On Kubernetes\n(.*?)^## ", text)[1]
    steps = [
        "terraform init -reconfigure",
        "terraform apply",
        "#prepare-the-database",
        "docker build",
        "infra/deploy/release_image.sh",
        "--attach-acr",
        "kubectl create secret generic arbitrage-keys",
        "kubectl apply -k",
        "kubectl rollout status",
    ]
    places = [section.index(step) for step in steps]
    assert places == sorted(places)
