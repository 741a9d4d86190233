"""What Debian's Bazel (4.2.3, package bazel-bootstrap) would download otherwise."""

def debian_repositories():
    """Declares Debian's rules, and stubs of what it does not package.

    Released Bazels, which have a version, bring or fetch their own.
    """
    if native.bazel_version:
        return
    for name, path in {
        "platforms": "/usr/share/bazel/platforms",
        "remote_coverage_tools": "bazel/offline/remote_coverage_tools",
        "rules_cc": "bazel/offline/rules_cc",
        "rules_java": "/usr/share/bazel/rules/java",
        "rules_proto": "/usr/share/bazel/rules/proto",
    }.items():
        native.local_repository(name = name, path = path)
