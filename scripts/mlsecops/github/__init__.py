"""Everything that talks to GitHub, or to the runner of GitHub Actions."""
