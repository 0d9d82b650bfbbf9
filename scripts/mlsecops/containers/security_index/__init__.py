"""Security updates of Debian and Ubuntu, as the distributions' own archives list them."""
