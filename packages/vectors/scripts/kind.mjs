// One kind of vectors: accepted ones, and for each of them the refused ones that differ from it in one place.

/** Applies one operation of JSON Patch (RFC 6902) to a copy of a document. */
export function patched(document, { op, path, value }) {
  const copy = structuredClone(document)
  const keys = path
    .split('/')
    .slice(1)
    .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = keys.pop()
  const parent = keys.reduce((at, key) => at[key], copy)
  if (parent === undefined || (op !== 'add' && !(last in parent))) throw new Error(`no such place: ${path}`)
  if (op === 'remove') Array.isArray(parent) ? parent.splice(Number(last), 1) : delete parent[last]
  else if (op === 'add' && Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, value)
  else parent[last] = value
  return copy
}

/** `replace`, `add` or `remove` of one place. */
export const replace = (path, value) => ({ op: 'replace', path, value })
export const add = (path, value) => ({ op: 'add', path, value })
export const remove = path => ({ op: 'remove', path })

/** Replaces a piece of a text, which must be there. */
export function replaceIn(path, from, to) {
  return vector => {
    const text = path
      .split('/')
      .slice(1)
      .reduce((at, key) => at[key], vector)
    const changed = text.replace(from, to)
    if (changed === text) throw new Error(`${vector.id} has no such text at ${path}`)
    return replace(path, changed)
  }
}

/** The place of a header line in `input`. */
export function headerPath(vector, name) {
  const at = vector.input.headers.findIndex(([own]) => own === name)
  if (at < 0) throw new Error(`${vector.id} has no ${name}`)
  return `/input/headers/${at}`
}

export const removeHeader = name => vector => remove(headerPath(vector, name))
export const repeatHeader = (name, value) => vector => add('/input/headers/-', [name, value ?? lineOf(vector, name)])
export const replaceInHeader = (name, from, to) => vector =>
  replaceIn(`${headerPath(vector, name)}/1`, from, to)(vector)

function lineOf(vector, name) {
  return vector.input.headers[Number(headerPath(vector, name).split('/').at(-1))][1]
}

/**
 * @param kind its name, which is that of its file
 * @param build makes `{ input, facts }` of a recipe; without it vectors state their `input`
 */
export function openKind(kind, build) {
  const vectors = new Map()
  const put = vector => {
    if (vectors.has(vector.id)) throw new Error(`${vector.id} is there twice`)
    vectors.set(vector.id, vector)
  }
  return {
    kind,
    list: () => [...vectors.values()],
    /** The input that a recipe makes. */
    remade: made => build(made).input,
    accept(id, title, { clauses, made, input, expect = {}, ...place }) {
      const built = made === undefined ? { input, facts: {} } : build(made)
      put({
        ...{ id, title, clauses, ...place, input: built.input, ...(made === undefined ? {} : { made }) },
        expect: { result: 'accept', ...expect, ...built.facts },
      })
    },
    refuse(of, name, title, { clauses, change, patch, expect }) {
      const twin = vectors.get(of)
      if (twin?.expect.result !== 'accept') throw new Error(`${of} is not accepted`)
      const operation = typeof patch === 'function' ? patch(twin) : patch
      const { made, expect: accepted, id, title: old, ...changed } = patched(twin, operation)
      const isMade = operation.path.startsWith('/made')
      put({
        ...{ id: `${of}/${name}`, title, ...changed, clauses },
        ...(isMade ? { input: build(made).input } : {}),
        ...{ of, change, patch: operation, expect: { result: 'refuse', ...expect } },
      })
    },
  }
}
