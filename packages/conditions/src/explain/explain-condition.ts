import type { ArgumentRule, ArgumentsCondition, CallsCondition, ChainCondition, Condition } from '@countersign/protocol'
import { checkOptions, type OptionChecks } from '@countersign/protocol/internal'
import { de } from '../messages/de.js'
import { en, type Messages } from '../messages/en.js'
import { placeOf } from './place.js'
import { explainHours, explainUntil } from './times.js'
import { all, counted, either, fill, hostOf, numeral, quoted } from './wording.js'
import { described, partsOf, type Words } from './words.js'

/** In which language, and with which words, a condition is explained. */
export interface ExplainOptions {
  readonly language: 'en' | 'de'
  /** What the resource calls its scopes, purposes, operations and data views: its metadata. Default: names and pointers are quoted. */
  readonly words?: Words | undefined
  /** The time zone in which an `until` is shown. Default: `UTC`. */
  readonly zone?: string | undefined
}

const checks: OptionChecks<ExplainOptions> = { language: ['en', 'de'], words: 'object', zone: 'string' }

/** What the sentence of one kind of condition needs. */
interface Telling {
  readonly messages: Messages
  readonly words: Words
  readonly zone: string
}

/**
 * A condition as one plain sentence for the user who decides on it, without markup and without a full stop. Identifiers are shown as hosts.
 * Text by others is set in quotation marks that it cannot end, without marks that hide or turn text.
 * @see protocol §9.2
 * @example
 * ```ts
 * import { explainCondition } from '@countersign/conditions'
 *
 * explainCondition({ type: 'calls', max: 10, per: 'day' }, { language: 'en' }) // 'At most 10 calls a day'
 * ```
 */
export function explainCondition(condition: Condition, o: ExplainOptions): string {
  checkOptions('explainCondition', o, checks)
  const { words = {}, zone = 'UTC' } = o
  const messages = o.language === 'de' ? de : en
  if (!('resource' in condition) || condition.resource === words.resource)
    return sentence(condition, { messages, words, zone })
  // The words of another resource would describe other things by the same names.
  const host = hostOf(condition.resource, messages)
  return fill(messages.elsewhere, { host, sentence: sentence(condition, { messages, words: {}, zone }) })
}

function sentence(condition: Condition, { messages, words, zone }: Telling): string {
  switch (condition.type) {
    case 'resources':
      return fill(messages.resources, { places: all(hostsOf(condition.any, messages), messages) })
    case 'scopes':
      return listed(messages.permissions, described(condition.any, words.scope_descriptions, messages))
    case 'purposes':
      return listed(messages.purposes, described(condition.any, words.purposes, messages))
    case 'until':
      return explainUntil(condition.time, zone, messages)
    case 'hours':
      return explainHours(condition, messages)
    case 'calls':
      return calls(condition, messages)
    case 'chain':
      return chain(condition, messages)
    case 'data':
      return fill(messages.data, { list: partsOf(condition, words, messages).join('; ') })
    case 'arguments':
      return argumentsOf(condition, words, messages)
    case 'approval':
      if (condition.of === '*') return messages.approvalOfAll
      return fill(messages.approval, { list: described(condition.of, words.operations, messages).join('; ') })
  }
}

function listed(texts: { readonly one: string; readonly many: string }, entries: readonly string[]): string {
  return fill(counted(texts, entries.length), { list: entries.join('; ') })
}

function hostsOf(ids: readonly string[], messages: Messages): string[] {
  return [...new Set(ids)].map(id => hostOf(id, messages))
}

function calls({ max, per }: CallsCondition, messages: Messages): string {
  if (max === 0) return messages.calls.none
  return fill(counted(messages.calls[per], max), { max: numeral(max, messages) })
}

function chain({ max, through }: ChainCondition, messages: Messages): string {
  const texts = messages.chain
  if (max === 0) return texts.never
  if (through === undefined) return fill(counted(texts.any, max), { max })
  return fill(counted(texts.through, max), { max, services: either(hostsOf(through, messages), messages) })
}

function argumentsOf({ of, where }: ArgumentsCondition, words: Words, messages: Messages): string {
  const [operation = ''] = described([of], words.operations, messages)
  const isNamed = operation === quoted(of, messages)
  return fill(messages.arguments, {
    operation: isNamed ? operation : quoted(operation, messages),
    list: where.map(rule => ruleOf(rule, messages)).join('; '),
  })
}

function ruleOf(rule: ArgumentRule, messages: Messages): string {
  const { rule: texts } = messages
  const place = placeOf(rule.at, messages)
  if (rule.in !== undefined)
    return fill(texts.in, {
      place,
      values: either(
        rule.in.map(value => scalarOf(value, messages)),
        messages,
      ),
    })
  if (rule.min !== undefined) return fill(texts.min, { place, value: numeral(rule.min, messages) })
  if (rule.max !== undefined) return fill(texts.max, { place, value: numeral(rule.max, messages) })
  if (rule.prefix !== undefined) return fill(texts.prefix, { place, value: quoted(rule.prefix, messages) })
  if (rule.maxLength !== undefined) return fill(texts.maxLength, { place, value: numeral(rule.maxLength, messages) })
  return fill(texts.anything, { place })
}

function scalarOf(value: string | number | boolean | null, messages: Messages): string {
  if (typeof value === 'string') return quoted(value, messages)
  if (typeof value === 'number') return numeral(value, messages)
  return value === null ? messages.value.none : value ? messages.value.yes : messages.value.no
}
