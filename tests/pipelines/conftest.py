"""Where it stands, pytest finds the helpers of the tests below this directory."""
