import type { PasteAnalysis, PasteFinding } from './analysis.js'
import { clauseOf, reasonWords } from './clause.js'

// A signature base as text: what a signer has signed, or what a verifier has put together.

const baseLine = /^("[^"\s]+"(?:;[^:]*)?): (.*)$/
const paramsLine = '"@signature-params": '
const mostLines = 64

/** Whether a text is a signature base, or two of them. */
export function looksLikeBase(text: string): boolean {
  return /^"?@?[a-z0-9-]+"?(?:;[^:\n]*)?: /.test(text) && text.includes('@signature-params')
}

/** Judges the form of a signature base; of two with an empty line between them, says where they differ. */
export function takeBaseApart(text: string): PasteAnalysis {
  const [first = '', second] = text.trim().split(/\r?\n\r?\n/, 2)
  const findings = second === undefined ? formFindings(text) : differences(first, second)
  const ok = findings.length === 0
  const right = second === undefined ? 'This is a well-formed signature base.' : 'These two bases are the same.'
  const wrong =
    second === undefined
      ? 'No verifier puts a base together like this, so a signature over it cannot verify.'
      : 'These bases differ, so a signature over one does not verify for the other.'
  return { kind: 'base', ok, verdict: ok ? right : wrong, findings, notes: notesOn(text) }
}

/** A line feed at the end may be of the copy only. */
function notesOn(text: string): string[] {
  return text.endsWith('\n')
    ? ['This text ends with a line feed. A base does not: it ends with the last character of @signature-params.']
    : []
}

function finding(
  reason: string,
  o: Omit<PasteFinding, 'reason' | 'wrong' | 'clause'> & { wrong?: string },
): PasteFinding {
  const words = reasonWords(reason)
  return {
    reason,
    wrong: words?.meaning ?? '',
    ...o,
    ...(words === undefined ? {} : { clause: clauseOf(words.clause) }),
  }
}

function formFindings(text: string): PasteFinding[] {
  const lines = text
    .replace(/\r?\n$/, '')
    .split('\n')
    .slice(0, mostLines)
  const findings: PasteFinding[] = []
  if (text.includes('\r\n'))
    findings.push(
      finding('base_spelling', { right: 'End lines with LF alone, without CR.', wrong: 'Its lines end with CRLF.' }),
    )
  const last = lines.at(-1) ?? ''
  if (!last.startsWith(paramsLine))
    return [
      ...findings,
      finding('base_spelling', {
        wrong: 'The last line is not "@signature-params".',
        right: 'Write "@signature-params" with its quotes as the last line.',
        received: last.slice(0, 80),
      }),
    ]
  const names = lines.slice(0, -1).map(line => baseLine.exec(line.replace(/\r$/, ''))?.[1])
  names.forEach((name, index) => {
    if (name === undefined)
      findings.push(
        finding('base_spelling', {
          wrong: `Line ${index + 1} is no component.`,
          right: 'Write each line as the quoted name, a colon, one space, the value.',
          received: (lines[index] ?? '').slice(0, 80),
        }),
      )
    else if (names.indexOf(name) < index)
      findings.push(finding('component_repeated', { at: name, right: 'Cover each component once.' }))
  })
  const listed = (/^\(([^()]*)\)/.exec(last.slice(paramsLine.length))?.[1] ?? '').split(' ').filter(name => name !== '')
  const written = names.filter(name => name !== undefined)
  if (listed.join(' ') !== written.join(' '))
    findings.push(
      finding('base_spelling', {
        wrong: 'The lines are not the components of @signature-params in their order.',
        right: 'Write one line for each component that the list names, in its order.',
        received: written.join(' '),
        expected: listed.join(' '),
      }),
    )
  for (const name of ['@method', '@authority', '@path', 'signature-key'])
    if (!listed.includes(`"${name}"`))
      findings.push(finding('component_not_covered', { at: name, right: `Cover ${name}: every request must.` }))
  return findings
}

/** Where two bases differ, line by line. @param signed what was signed @param received what a verifier has */
export function differences(signed: string, received: string): PasteFinding[] {
  const left = signed.split(/\r?\n/).slice(0, mostLines)
  const right = received.split(/\r?\n/).slice(0, mostLines)
  const findings: PasteFinding[] = []
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [one, other] = [left[index], right[index]]
    if (one === other) continue
    const at = baseLine.exec(other ?? one ?? '')?.[1] ?? `line ${index + 1}`
    const wrong =
      one === undefined
        ? `The line of ${at} is only in the second.`
        : other === undefined
          ? `The line of ${at} is only in the first.`
          : `The lines of ${at} differ.`
    findings.push(
      finding('signature_wrong', {
        at,
        wrong,
        right: 'Sign the value that is sent, byte for byte.',
        expected: one,
        received: other,
      }),
    )
  }
  return findings
}
