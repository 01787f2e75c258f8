// Writes docs/reasons.md from the vocabulary of reasons. Needs a build.
import { writeFileSync } from 'node:fs'
import { reasonGroups } from '@countersign/protocol/reasons'
import { requirements } from '@countersign/requirements'
import { root } from './install.mjs'

const introduction = `# Reasons

Every refusal has a \`reason\`: a stable name, finer than its \`error\` code. It is in the body of the response, in \`HttpSigError\` and
\`AAuthError\`, in events and metrics, and in what \`countersign inspect\` and \`countersign fetch\` print.

\`\`\`json
{ "error": "invalid_signature", "reason": "component_not_covered", "error_description": "The signature does not cover a component that this request must cover: content-digest" }
\`\`\`

\`error_description\` says what is wrong, in the words of this page; after a colon, what is at fault.

A name never changes its meaning. New releases add names: treat a name you do not know like its \`error\`. Codes, refresh tokens, grants
and sessions that are unknown, used, ended or of another caller share one reason, so that it tells a stranger nothing.

Each clause is a rule of [the protocol](protocol.md). This page is made by \`node scripts/reasons.mjs\` from
\`@countersign/protocol/reasons\`, which programs can import.
`

/** What stands before the table of a group, where it needs saying. */
const notes = {
  'Mistakes of a signer':
    'Found by `explainSignature`, `countersign inspect` and `countersign fetch --dry-run`, which verify the message as it would be without each mistake. No response has them.',
}

/** docs/reasons.md, whole. */
export function reasonsPage() {
  const sections = new Map(requirements.map(({ id, section }) => [id, section]))
  const parts = reasonGroups.map(([heading, entries]) => {
    const rows = Object.entries(entries).map(([name, { codes, meaning, fix, clause }]) =>
      [
        `<a id="${name}"></a>\`${name}\``,
        codes.map(code => `\`${code}\``).join(' '),
        meaning,
        fix,
        `§${sections.get(clause)} \`${clause}\``,
      ].join(' | '),
    )
    const note = notes[heading] === undefined ? '' : `${notes[heading]}\n\n`
    return `## ${heading}\n\n${note}| reason | error | what is wrong | what to change | clause |\n|---|---|---|---|---|\n${rows.map(row => `| ${row} |\n`).join('')}`
  })
  return `${introduction}\n${parts.join('\n')}`
}

if (process.argv[1] === import.meta.filename) writeFileSync(`${root}/docs/reasons.md`, reasonsPage())
