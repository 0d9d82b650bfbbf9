"""What a release of this project needs: checks of what people copy from it, its assets, its tags."""
