/* Nodes from values, and a patch that changes only what differs: focus, scroll and open details stay.
   Texts of the data become text nodes and attributes; no function here reads markup. */

const SVG = "http://www.w3.org/2000/svg";
const KEPT_BY_PERSON = { DETAILS: ["open"], INPUT: ["checked", "value"] };

const byId = (id) => document.getElementById(id);

function made(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

const h = (name, attributes, ...children) => made(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) =>
  made(document.createElementNS(SVG, name), attributes, children);

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

function patchAttributes(old, fresh) {
  const kept = KEPT_BY_PERSON[old.nodeName] ?? [];
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  }
}

function patchChildren(parent, fresh) {
  const keyed = new Map([...parent.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  const kept = new Set(fresh.map(keyOf));
  let cursor = parent.firstChild;
  const remove = () => {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  };
  for (const node of fresh) {
    // What goes is taken away first: moving what stays would take the focus from it.
    while (cursor && keyOf(cursor) && !kept.has(keyOf(cursor))) remove();
    const key = keyOf(node);
    let match = key ? keyed.get(key) : cursor;
    if (match && (match.nodeName !== node.nodeName || (!key && keyOf(match)))) match = null;
    if (!match) {
      parent.insertBefore(node, cursor);
      continue;
    }
    keyed.delete(key);
    patch(match, node);
    if (match === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(match, cursor);
  }
  while (cursor) remove();
}

function patch(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  patchAttributes(old, fresh);
  patchChildren(old, [...fresh.childNodes]);
}

/* Make these the only children of an element, given by itself or by the name of its slot. */
function show(place, ...children) {
  const parent = typeof place === "string" ? document.querySelector(`[data-slot="${place}"]`) : place;
  patchChildren(parent, [...made(document.createDocumentFragment(), null, children).childNodes]);
}

/* Tell those who cannot see the page change; the same words twice are told once. */
function announce(text) {
  const announcer = byId("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}
