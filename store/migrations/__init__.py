"""The way from each released schema to the newest: one revision a change, run by `Database.upgrade()`."""
