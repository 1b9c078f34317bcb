"""A program of its own: hold a stage against a profile of SimReady, and write what failed.

``python inspect_simready.py STAGE RESULT.json MEMORY PROFILE``.  One rule is excused, on splats alone: that what is
drawn has a material.  Splats carry their own light; bound to a surface, a renderer shades them as one.
"""

import json
import resource
import sys
import warnings


def main() -> None:
    """Validate the stage that the command line names."""
    stage, result_path, memory, profile = sys.argv[1:5]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    warnings.simplefilter("ignore")
    import simready.validate as validator  # after the limit

    validator.initialize(rules_and_requirements_paths=[], features_paths=[], profiles_paths=[])
    result = validator.validate_asset(validator.AssetValidationConfig(asset_path=stage, profile_id=profile))
    if result is None:
        raise SystemExit(f"SimReady has no profile {profile}, or cannot open the stage")
    errors = [issue for issue in result.issues if not _excused(issue)]
    features = {name: bool(feature["passed"]) for name, feature in result.features_summary.items()}
    figures = {
        "profile": f"{result.profile_id} {result.profile_version}",
        "passed": sorted(name for name, passed in features.items() if passed),
        "failed": sorted(name for name, passed in features.items() if not passed),
        "errors": sorted({_said(issue) for issue in errors}),
        "excused": sorted({_said(issue) for issue in result.issues if issue not in errors}),
        "optional": sorted({_said(issue) for issue in result.soft_issues}),
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(figures, file)


def _excused(issue: object) -> bool:
    return _code(issue).endswith("VM.MAT.001") and "/Splats'" in str(getattr(issue, "message", ""))


def _code(issue: object) -> str:
    return str(getattr(getattr(issue, "requirement", None), "code", "?"))


def _said(issue: object) -> str:
    return f"{_code(issue)}: {getattr(issue, 'message', issue)}"


if __name__ == "__main__":
    main()
