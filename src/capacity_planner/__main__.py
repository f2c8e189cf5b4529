"""``python -m capacity_planner`` is the command ``capacity-planner``."""

from capacity_planner.surfaces.cli.main import run

if __name__ == "__main__":
    run()
