import uPlot from 'uplot';
import { h } from './dom.js';

/** The width of a chart on paper (A4 without its margins, at 96 dots an inch); undefined on a screen. */
const PRINTED_WIDTH = 660;
let printing = false;

/** From now on charts are drawn for paper, or for the screen again. */
export function drawForPaper(on: boolean): void {
  printing = on;
}

/** Paper has less room than a screen that scrolls. */
export function chartHeight(height: number): number {
  return printing ? Math.round(height * 0.75) : height;
}

/** The width of a place without its padding. */
function innerWidth(place: HTMLElement): number {
  const { paddingLeft, paddingRight } = getComputedStyle(place);
  return place.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
}

/** Draws a chart into its place and keeps it as wide as the place. */
export class Chart {
  readonly place: HTMLElement;
  readonly #options: (width: number) => uPlot.Options;
  readonly #data: () => uPlot.AlignedData;
  readonly #nothing: string;
  #plot: uPlot | undefined;

  /** @param nothing What stands in place of a chart that would show nothing. */
  constructor(
    place: HTMLElement,
    options: (width: number) => uPlot.Options,
    data: () => uPlot.AlignedData,
    nothing = 'No operation.',
  ) {
    this.place = place;
    this.#options = options;
    this.#data = data;
    this.#nothing = nothing;
    new ResizeObserver(() => this.resize()).observe(place);
  }

  get width(): number {
    return printing ? PRINTED_WIDTH : Math.max(240, Math.floor(innerWidth(this.place)));
  }

  draw(): void {
    this.clear();
    // The data first: what the options say may depend on it.
    const data = this.#data();
    const [, ...series] = data;
    if (series.every((values) => [...values].every((value) => value === null || value === 0))) {
      this.place.append(h('p', { class: 'nothing' }, this.#nothing));
      return;
    }
    this.#plot = new uPlot(this.#options(this.width), data, this.place);
  }

  clear(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    this.place.replaceChildren();
  }

  resize(): void {
    const plot = this.#plot;
    if (plot !== undefined && !printing && plot.width !== this.width)
      plot.setSize({ width: this.width, height: plot.height });
  }
}
