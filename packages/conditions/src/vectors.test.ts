import { AAuthError } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { bytesOf, readVectors, type Vector, type VectorInputs } from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import {
  type ArgumentsCondition,
  endOf,
  firstUnmet,
  meetsArguments,
  narrow,
  parseConditions,
  projectJson,
  unmetError,
} from './index.js'

type Kind = 'condition-arguments' | 'condition-data' | 'condition-lists' | 'conditions' | 'narrowed-conditions'
type Judges = { readonly [K in Kind]: (input: VectorInputs[K]) => object }

const resource = 'https://calendar.example'

/** What this package makes of each kind of input: the facts, or an error. */
const judges: Judges = {
  'condition-lists': ({ list, claim }) => {
    parseConditions(list, { delegation: claim === 'delegation' })
    return {}
  },
  conditions({ list, ...facts }) {
    const conditions = parseConditions(list)
    const unmet = firstUnmet(conditions, facts)
    if (unmet !== undefined) throw unmetError(unmet, 'policy_denied')
    const ends = endOf(conditions, facts.now)
    return ends === undefined ? {} : { ends }
  },
  'narrowed-conditions'({ lists }) {
    const read = lists.map(list => parseConditions(list))
    return { longest: read.flat(), shortest: narrow(read) }
  },
  'condition-arguments'({ where, body }) {
    const conditions = where.map((rules): ArgumentsCondition => {
      return { type: 'arguments', resource, of: 'invite', where: rules }
    })
    parseConditions(conditions)
    if (!meetsArguments(conditions, bytesOf(body)))
      throw new AAuthError('policy_denied', 'refused', { reason: 'condition_arguments' })
    return {}
  },
  'condition-data'({ fields, answer }) {
    parseConditions(fields.map(list => ({ type: 'data', resource, fields: list })))
    return { shown: new TextDecoder().decode(projectJson(new TextEncoder().encode(answer), fields)) }
  },
}

function judged<K extends Kind>(kind: K, { input }: Vector<VectorInputs[K]>): object {
  try {
    return { result: 'accept', ...judges[kind](input) }
  } catch (error) {
    if (!(error instanceof AAuthError)) throw error
    const { reason, code, status } = error
    return { result: 'refuse', reason, code, status }
  }
}

describe.each(Object.keys(judges) as Kind[])('%s of the vectors', kind => {
  for (const vector of readVectors(kind))
    test(verifies(...(vector.clauses as [string]), `${vector.title} (${vector.id})`), () => {
      const { where: _where, ...expected } = vector.expect as Record<string, unknown>
      expect(judged(kind, vector)).toEqual(expected)
    })
})
