// Reads the models: their protections, and where their honest runs end.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../install.mjs'

/** The folder of the models. */
export const folder = join(root, 'model')

// `#define name 1 /* clause · case · outcome */`, where the outcome is one of three:
//   property                         it breaks without the protection
//   property, with other_protection  it breaks only where the other one is removed, too
//   none: reason                     no property breaks
const protection =
  /^#define (?<name>\w+) +(?<number>\d+) +\/\* (?<clause>[a-z0-9.-]+) · (?<case>[A-Z]+-\d+) · (?<outcome>.+) \*\/$/gm

// `#define name 2 /* assumption · property */`: what the models take for granted, and what breaks if it does not hold.
const assumption = /^#define (?<name>\w+) +(?<number>\d+) +\/\* assumption · (?<property>\w+) \*\/$/gm

/** All models, in the order of the chapters of docs/protocol.md. */
export function readModels() {
  const order = ['authorization', 'code-flow', 'exchange-linking', 'approval']
  const names = readdirSync(folder).flatMap(file => (file.endsWith('.pml') ? [file.slice(0, -4)] : []))
  return names.sort((a, b) => order.indexOf(a) - order.indexOf(b)).map(readModel)
}

function readModel(name) {
  const text = readFileSync(join(folder, `${name}.pml`), 'utf8')
  const protections = [...text.matchAll(protection)].map(match => ({
    ...match.groups,
    ...outcome(match.groups.outcome),
  }))
  const assumptions = [...text.matchAll(assumption)].map(match => ({ ...match.groups }))
  const goals = new Set([...text.matchAll(/\bCOMPLETES\((\d+)\)/g)].map(match => Number(match[1])))
  return { name, text, protections, assumptions, goals: [...goals].sort((a, b) => a - b) }
}

function outcome(text) {
  const reason = /^none: (.+)$/.exec(text)?.[1]
  if (reason !== undefined) return { property: undefined, reason }
  const [, property, also] = /^(\w+)(?:, with (\w+))?$/.exec(text) ?? []
  if (property === undefined) throw new Error(`a protection has no outcome that can be read: ${text}`)
  return { property, also }
}
