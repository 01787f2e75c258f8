import { readFileSync } from 'node:fs'
import type { OAuthServerConfig } from './oauth-config.js'
import { oauthServer } from './oauth-server.js'
import { oauthStore } from './oauth-store.js'
import { serveTraced } from './traced-server.js'

// The authorization server as a process of its own: `node oauth-server-process.js ID PORT CONFIG_FILE STORE_FILE`.
const [id = '', , config = '', store = ''] = process.argv.slice(2)
const read = JSON.parse(readFileSync(config, 'utf8')) as OAuthServerConfig
serveTraced({ id, name: 'oauth-server', answer: oauthServer(read, oauthStore(store)) })
