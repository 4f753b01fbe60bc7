// Functions that engines of before 2023 lack and that the page calls. An engine that reads the page's
// syntax at all has the rest.

function at(index) {
  return this[index < 0 ? this.length + index : index];
}

function findLastIndex(test) {
  for (let index = this.length - 1; index >= 0; index -= 1) if (test(this[index], index, this)) return index;
  return -1;
}

function findLast(test) {
  return this[findLastIndex.call(this, test)];
}

function replaceChildren(...nodes) {
  this.textContent = '';
  this.append(...nodes);
}

function checkVisibility() {
  return this.getClientRects().length > 0 && getComputedStyle(this).visibility === 'visible';
}

const hasOwn = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

/** Comes before anything else. A function that the engine has stays its own. */
export function fillIn() {
  const gaps = [[Array.prototype, { at, findLast, findLastIndex }], [Object, { hasOwn }], [Element.prototype, { replaceChildren, checkVisibility }]];
  for (const [owner, functions] of gaps) {
    for (const [name, value] of Object.entries(functions)) {
      if (!(name in owner)) Object.defineProperty(owner, name, { value, writable: true, configurable: true });
    }
  }
}
