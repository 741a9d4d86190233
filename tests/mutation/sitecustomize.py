"""Python imports this when it starts: processes of a test have its mutant too."""

import mutated

mutated.install_inherited()
