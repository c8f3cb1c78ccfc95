/** Elements in a line of code each: attributes are set as such, so that nothing is ever parsed as markup. */

const SVG = 'http://www.w3.org/2000/svg';

/** What elements hold: others, or texts. */
export type Child = Node | string | null;

/** Attributes; `true` is an empty one, null and `false` none. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** An HTML element. */
export function html<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[T] {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg<T extends keyof SVGElementTagNameMap>(
  tag: T,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[T] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill<T extends Element>(element: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The element of the document with this id. @throws {TypeError} if there is none */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new TypeError(`the document has no element '${id}'`);
  return element as T;
}

/** A card: a heading, and what is below it. */
export function card(title: string, ...children: readonly Child[]): HTMLElement {
  return html('article', { class: 'card' }, html('h2', {}, title), ...children);
}

/** A labelled control; the label holds it. */
export function field(label: string, control: HTMLElement, ...after: readonly Child[]): HTMLElement {
  return html('label', { class: 'field' }, html('span', {}, label), control, ...after);
}
