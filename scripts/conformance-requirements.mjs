// Writes packages/conformance/requirements.json: the list of requirements that is packed with the suite. A test compares the two.
//   npx tsc -b requirements && node scripts/conformance-requirements.mjs
import { writeFileSync } from 'node:fs'
import { levelOf, requirements } from '@countersign/requirements'

const listed = requirements
  .filter(({ status }) => status === 'built')
  .map(one => {
    const { id, section, clause, text } = one
    return { id, section, level: levelOf(one), ...(clause === undefined ? {} : { clause }), text }
  })
writeFileSync(
  new URL('../packages/conformance/requirements.json', import.meta.url),
  `[\n${listed.map(one => `  ${JSON.stringify(one)}`).join(',\n')}\n]\n`,
)
