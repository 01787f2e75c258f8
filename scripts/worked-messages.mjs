// Writes docs/worked-messages.md and .json: whole messages from fixed keys, times and nonces. Needs a build.
// `node scripts/worked-messages.mjs FOLDER` writes them elsewhere.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'
import { fixRandom } from './worked-messages/fixed-random.mjs'
import { pageOf } from './worked-messages/page.mjs'
import { workedMessages } from './worked-messages/story.mjs'

const [folder = join(root, 'docs')] = process.argv.slice(2)
const worked = await workedMessages(fixRandom())
const vectors = join(folder, 'worked-messages.json')
writeFileSync(vectors, `${JSON.stringify(worked, null, 2)}\n`)
writeFileSync(join(folder, 'worked-messages.md'), pageOf(worked))
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
spawnSync(process.execPath, [biome, 'format', '--write', vectors], { cwd: root })
