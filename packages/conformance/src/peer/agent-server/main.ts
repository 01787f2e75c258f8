// The suite's own agent server, small and strict: node main.js CONFIG.json. Nothing imports it.
import { readFileSync } from 'node:fs'
import { serve } from '../shared/server.js'
import { agentServer } from './agent-server.js'
import type { Settings } from './settings.js'

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Settings
serve(settings.port, agentServer(settings))
