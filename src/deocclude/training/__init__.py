"""Training of the networks from nothing but photos and modal masks; import the modules you need, they load torch."""
