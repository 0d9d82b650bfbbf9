"""What a Keras configuration makes Keras import, run and open."""
