// The one line, box or region on an image: kept in the model, so that Python sees it, and what it says below the plot.

import { Results } from "./panels.js";

const SHAPE_SETTLES = 80; // ms without a move until the kernel hears of it

export class Drawn {
  /** `finished()` is called when a new shape has been drawn. */
  constructor(plot) {
    this.plot = plot;
    this.results = new Results(plot);
    this.finished = () => {};
    for (const trait of ["_region", "_profile"]) plot.listen(`change:${trait}`, () => this.refresh());
  }

  remove() {
    clearTimeout(this.timer);
    this.results.clear();
  }

  get shape() {
    if (this.pending !== undefined) return this.pending;
    const [region, profile] = [this.plot.get("_region"), this.plot.get("_profile")];
    return region?.kind ? region : profile?.kind ? profile : null;
  }

  /** Show a shape while it is drawn, or none; what it says follows. */
  set(shape) {
    this.pending = shape;
    this.plot.painter.overlay();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), SHAPE_SETTLES);
  }

  keep() {
    const shape = this.pending ?? null;
    const isProfile = shape && (shape.kind === "line" || shape.kind === "box");
    this.pending = undefined;
    this.plot.save({
      _region: shape && !isProfile ? { kind: shape.kind, points: shape.points } : {},
      _profile: isProfile ? shape : {},
    });
    this.refresh();
  }

  refresh() {
    this.plot.painter.overlay();
    this.results.refresh(this.plot.isImage ? this.shape : null);
  }
}
