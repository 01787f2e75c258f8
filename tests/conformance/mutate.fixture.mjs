// Loads one file of the packages with one line changed, so that a server lacks one check: node --import ./mutate.fixture.mjs SERVER
// No file is written, and the packages know nothing of it.
import { register } from 'node:module'

register('./mutant-hooks.fixture.mjs', import.meta.url, { data: JSON.parse(process.env.CONFORMANCE_MUTANT) })
