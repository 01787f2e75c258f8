import { readFileSync } from 'node:fs'
import { oauthApi } from './oauth-api.js'
import type { OAuthApiConfig } from './oauth-config.js'
import { serveTraced } from './traced-server.js'

// An API behind OAuth as a process of its own: `node oauth-api-process.js ID PORT CONFIG_FILE SCOPES`.
const [id = '', , config = '', scopes = ''] = process.argv.slice(2)
const read = JSON.parse(readFileSync(config, 'utf8')) as OAuthApiConfig
serveTraced({ id, name: read.name, answer: oauthApi(read, scopes.split(' ')) })
