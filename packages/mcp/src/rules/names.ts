import { nearestName } from '@countersign/protocol/internal'

/** What the server must have for a rule's name. Not resources: templates may give a server any number of them. */
export type NamedKind = 'tool' | 'prompt'

/** Rules to prove before a name may pass under the rule `*`: one of them may be a slip of that name. */
export interface Doubt {
  readonly kind: NamedKind
  /** The names of the rules. */
  readonly rules: readonly string[]
}

/** Lists the names that the server has for the caller. */
export type ListNames = (kind: NamedKind) => Promise<readonly string[]>

/** Remembers which rules name something that the server has. */
export interface NameProof {
  /**
   * Resolves when each rule names something that the server has. Until then nothing passes under the rule `*`: with
   * `send_mail: authorized` and `*: identified`, every identified agent could call the tool `send_email`.
   * @throws TypeError that names a rule without a tool or prompt, and the name that was probably meant
   */
  prove(doubt: Doubt | undefined, list: ListNames): Promise<void>
}

/** A proof that knows no names yet. */
export function nameProof(): NameProof {
  const proven: Readonly<Record<NamedKind, Set<string>>> = {
    // bound: rules of the program; grown by the program
    tool: new Set(),
    // bound: rules of the program; grown by the program
    prompt: new Set(),
  }
  return {
    async prove(doubt, list) {
      if (doubt === undefined) return
      const { kind, rules } = doubt
      const isProven = (rule: string): boolean => proven[kind].has(rule)
      if (rules.every(isProven)) return
      const names = await list(kind)
      // Bounded by the number of rules, however many names the server lists.
      for (const rule of rules) if (names.includes(rule)) proven[kind].add(rule)
      const missing = rules.find(rule => !isProven(rule))
      if (missing !== undefined) throw unmatched(kind, missing, names)
    },
  }
}

function unmatched(kind: NamedKind, rule: string, names: readonly string[]): TypeError {
  const meant = nearestName(rule, names)
  const more = meant === undefined ? '' : `; did you mean '${meant}'?`
  const fault = `a rule is for the ${kind} '${rule}', which the server does not have${more}`
  return new TypeError(
    `${fault} (list it in the option 'optional' if it is added later, or not for every caller)`,
    // Logs leave out what a message quotes; these are names of the operator and of the server, not of a caller.
    { cause: { why: fault } },
  )
}

const methods = { tool: ['tools/list', 'tools'], prompt: ['prompts/list', 'prompts'] } as const
/** Pages of one list. */
const mostPages = 100

/** Sends a request to the server; the result is undefined when the server answers with an error. */
export type Ask = (method: string, params: object) => Promise<Readonly<Record<string, unknown>> | undefined>

/** Lists names page by page. @throws TypeError for more than 100 pages */
export async function listNames(kind: NamedKind, ask: Ask): Promise<string[]> {
  const [method, member] = methods[kind]
  // bound: one call: mostPages
  const names: string[] = []
  let cursor: unknown
  for (let page = 0; page < mostPages; page++) {
    const result = await ask(method, cursor === undefined ? {} : { cursor })
    const listed = result?.[member]
    if (Array.isArray(listed)) names.push(...listed.map(one => String(Object(one).name)))
    cursor = result?.['nextCursor']
    if (cursor === undefined) return names
  }
  const why = `the server lists its ${member} on more than ${mostPages} pages`
  throw new TypeError(why, { cause: { why } })
}
