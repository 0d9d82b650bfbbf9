"""What people and machines read: each report is a pure function of a Report and its Verdict."""
