// Writes the figures of the docs, docs/figures/*.svg, from runs of real participants. Needs a build.
// `node scripts/figures.mjs FOLDER` writes them elsewhere.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawLevels } from './figures/levels.mjs'
import { drawParticipants } from './figures/participants.mjs'
import { climb, consent, mcpCall, twoHops } from './figures/runs.mjs'
import { drawSequence } from './figures/sequence.mjs'
import { root } from './install.mjs'

const [folder = join(root, 'docs/figures')] = process.argv.slice(2)
const [climbed, asked, hopped, called] = [await climb(), await consent(), await twoHops(), await mcpCall()]
const figures = {
  participants: drawParticipants([climbed, asked]),
  levels: drawLevels(climbed),
  climb: drawSequence(climbed),
  consent: drawSequence(asked),
  'two-hops': drawSequence(hopped),
  'mcp-call': drawSequence(called),
}
mkdirSync(folder, { recursive: true })
for (const [name, svg] of Object.entries(figures)) writeFileSync(join(folder, `${name}.svg`), svg)
