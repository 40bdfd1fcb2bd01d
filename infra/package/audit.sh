#!/usr/bin/env bash
# Fails at a library with a known vulnerability, without a hash, missing, or under a licence that is not allowed, and
# writes licences.md and sbom.json (CycloneDX) of what the package holds:
# infra/package/audit.sh LOCK PACKAGE OUTPUT_FOLDER
# Needs requirements-audit.txt in .venv-audit, or in the environment whose bin folder AUDIT_TOOLS names, and the
# package's own Python. Vulnerabilities are asked of OSV, or of the mirror that PIP_AUDIT_OSV_URL names.
set -euo pipefail

if [[ $# -ne 3 ]]; then
  sed -n '2,6s/^# //p' "$0" >&2
  exit 2
fi
lock=$1 package=$2 output=$3
root=$(cd "$(dirname "$0")/../.." && pwd)
tools=${AUDIT_TOOLS:-$root/.venv-audit/bin}
allowed=$root/infra/package/licences.txt
for needed in "$lock" "$package" "$tools/pip-audit"; do
  [[ -f $needed ]] || { echo "$needed is no file: infra/package/audit.sh says what it needs" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$output"

echo "Known vulnerabilities of $lock"
"$tools/pip-audit" --requirement "$lock" --require-hashes --disable-pip --strict \
  --vulnerability-service osv --progress-spinner off

# An environment with the package's libraries and nothing else, as the tools look at environments.
"$tools/python" -m zipfile -e "$package" "$work/package"
"$tools/python" -m venv --without-pip "$work/environment"
shipped=$work/environment/bin/python
echo "$work/package/.python_packages/lib/site-packages" \
  > "$("$shipped" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/package.pth"

echo "Libraries that $package lacks"
"$tools/python" -m pip --python "$shipped" check

echo "Licences of $package"
licences() { "$tools/pip-licenses" --python "$shipped" --with-system "$@"; }
licences --format markdown --with-urls --output-file "$output/licences.md"
names=$(sed -E 's/ *#.*//; /^$/d; /:/d' "$allowed" | paste -sd ';')
mapfile -t by_hand < <(sed -nE 's/^([^ #]+:[^ #]+).*/\1/p' "$allowed")
# The one name in the metadata decides, because of several classifiers one that is allowed would do.
licences --from meta --allow-only "$names" ${by_hand:+--ignore-packages "${by_hand[@]}"} > /dev/null

echo "Bill of materials of $package"
"$tools/cyclonedx-py" environment --pyproject "$root/pyproject.toml" --validate \
  --output-file "$output/sbom.json" "$shipped"
