import type { Variation } from '../case/case.js'
import { changeHeader, type WireRequest } from '../wire/message.js'
import type { ResourceStage } from './stage.js'

/** The headers of a signature. @see protocol §3.1 */
export const signatureFields: readonly string[] = ['Signature-Key', 'Signature-Input', 'Signature']

/** Variations in which each of the three headers is changed on the way. */
export function eachField(
  fault: (field: string) => string,
  change: (value: string) => string | undefined,
): Variation[] {
  return signatureFields.map(field => ({ fault: fault(field), sent: request => changeHeader(request, field, change) }))
}

/** Adds text to a header on the way. */
export function appended(field: string, text: string): (request: WireRequest) => WireRequest {
  return request => changeHeader(request, field, value => value + text)
}

/** Gives a member of a header another label. */
export function relabelled(label: string): (value: string) => string {
  return value => value.replace(/^sig=/, `${label}=`)
}

/** Adds the signature of another party, which no receiver can verify. */
export function besides(label: string, parameters: string): (request: WireRequest) => WireRequest {
  return request =>
    changeHeader(
      changeHeader(request, 'signature-input', value => `${value}, ${label}=("@method")${parameters}`),
      'signature',
      value => `${value}, ${label}=:YWJj:`,
    )
}

/** Bytes of which one bit is another. */
export function flipped(bytes: Buffer, { random }: Pick<ResourceStage, 'random'>): Buffer {
  const changed = Buffer.from(bytes)
  const at = random.below(changed.length)
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
  return changed
}
