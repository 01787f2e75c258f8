// Writes the conformance statement of docs/aauth-for-oauth-people.md from the requirement manifest. Needs a build.
import { readFileSync, writeFileSync } from 'node:fs'
import { conformanceStatement, requirements, withConformance } from '@countersign/requirements'
import { root } from './install.mjs'

const page = `${root}/docs/aauth-for-oauth-people.md`
const statement = conformanceStatement(requirements, readFileSync(`${root}/docs/protocol.md`, 'utf8'))
writeFileSync(page, withConformance(readFileSync(page, 'utf8'), statement))
