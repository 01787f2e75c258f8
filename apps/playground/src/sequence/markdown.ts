import type { Party, ShownMessage, StoryCheck } from '../explorer/contract.js'
import { lanesOf, requestLine, rowsOf } from './rows.js'

/** What a story's Markdown is made of. */
export interface ToldStory {
  readonly title: string
  readonly messages: readonly ShownMessage[]
  readonly checks: readonly StoryCheck[]
  readonly parties: readonly Party[]
}

/** A story as Markdown, with its sequence as a Mermaid diagram. */
export function markdownOf({ title, messages, checks, parties }: ToldStory): string {
  const lanes = lanesOf(
    messages,
    parties.map(({ id }) => id),
  )
  const nameOf = (id: string): string => parties.find(party => party.id === id)?.name ?? id
  const steps = messages.map(({ sentence }, index) => `${index + 1}. ${sentence}`)
  return [
    `# ${title}`,
    '',
    '```mermaid',
    'sequenceDiagram',
    ...lanes.map(id => `  participant ${idOf(id)} as ${nameOf(id)}`),
    ...rowsOf(messages).flatMap(row =>
      row.kind === 'step'
        ? arrow(row.step.message)
        : [
            `  Note over ${lanes.map(idOf).at(0)},${lanes.map(idOf).at(-1)}: ${row.steps.length} reads of metadata and keys`,
          ],
    ),
    '```',
    '',
    ...steps,
    '',
    ...checks.map(({ ok, title: claim }) => `- [${ok ? 'x' : ' '}] ${claim}`),
    '',
  ].join('\n')
}

function arrow(message: ShownMessage): string[] {
  const { from, to, signer, response } = message
  const line = signer === undefined ? '-->>' : '->>'
  return [`  ${idOf(from)}${line}${idOf(to)}: ${textOf(requestLine(message))} ${response.status}`]
}

/** Mermaid reads `-` in a name as part of an arrow. */
const idOf = (party: string): string => party.replaceAll('-', '_')

/** Mermaid ends a message at `;` and reads `#` as an entity. */
const textOf = (text: string): string => text.replaceAll(/[;#]/g, ' ')
