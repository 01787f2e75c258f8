// Which file of the repository becomes which page of the site, and in which order the pages are listed.
import { existsSync, readdirSync } from 'node:fs'

/** Files whose page has another name. */
const named = {
  'README.md': 'start.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security.md',
  'bench/README.md': 'bench.md',
  'docs/README.md': 'contents.md',
  'examples/README.md': 'examples/index.md',
  'site/home.md': 'index.md',
}

/**
 * Every page by its file, such as `docs/protocol.md` → `protocol.md`. The API reference is added where it has been written.
 * @param {string} root the checkout
 */
export function pagesOf(root) {
  const docs = markdownIn(`${root}/docs`).map(file => [`docs/${file}`, file])
  const rooms = ['packages', 'apps'].flatMap(top => readmesIn(root, top).map(name => [top, name]))
  const readmes = rooms.map(([top, name]) => [`${top}/${name}/README.md`, `packages/${name}.md`])
  const examples = readmesIn(root, 'examples').map(name => [`examples/${name}/README.md`, `examples/${name}.md`])
  const api = markdownIn(`${root}/${apiFolder}`).map(file => [`${apiFolder}/${file}`, `api/${indexed(file)}`])
  return new Map([
    ...docs.map(([file, page]) => [file, indexed(page)]),
    ...readmes,
    ...examples,
    ...api,
    ...Object.entries(named),
  ])
}

/** Where the API reference is written for the site. */
export const apiFolder = 'site/.api'

function markdownIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .map(file => String(file).replaceAll('\\', '/'))
    .filter(file => file.endsWith('.md'))
    .toSorted()
}

function readmesIn(root, top) {
  return readdirSync(`${root}/${top}`).filter(name => existsSync(`${root}/${top}/${name}/README.md`))
}

function indexed(page) {
  return page.replace(/(^|\/)README\.md$/, '$1index.md')
}

const link = (text, page) => ({ text, link: `/${page}` })

/** The pages by reader and task. Every page stands here once, but for those of the API reference. */
export const groups = [
  {
    text: 'Start here',
    items: [
      link('Get started', 'start'),
      link('AAuth for OAuth people', 'aauth-for-oauth-people'),
      link('What to read for what', 'contents'),
    ],
  },
  {
    text: 'Tutorials',
    items: [
      link('All tutorials', 'tutorials/'),
      link('Protect an API', 'tutorials/protect-an-api'),
      link('Build an agent', 'tutorials/build-an-agent'),
      link('Auth server beside your provider', 'tutorials/auth-server-beside-your-provider'),
      link('Guard an MCP server', 'mcp'),
      link('Delegate with conditions', 'tutorials/delegate-with-conditions'),
      link('Two hops', 'tutorials/two-hops'),
    ],
  },
  {
    text: 'For API owners',
    items: [
      link('The guard in your code', 'packages/resource'),
      link('The gateway in front', 'gateway'),
      link('Checks of requests', 'packages/verify'),
      link('Gateway as a package', 'packages/gateway'),
    ],
  },
  {
    text: 'For agent builders',
    items: [
      link('The agent', 'packages/agent'),
      link('Requests from the shell', 'packages/fetch'),
      link('How delegates enrol', 'enrolment'),
      link('The agent server', 'packages/agent-server'),
      link('Why a request was refused', 'reasons'),
    ],
  },
  {
    text: 'For platform operators',
    items: [
      link('The auth server', 'packages/auth-server'),
      link('The user desk', 'packages/user-desk'),
      link('The console', 'packages/console'),
      link('Delegation policies', 'delegation'),
      link('Run the servers', 'operations'),
      link('How far it scales', 'scaling'),
      link('When something breaks', 'reliability'),
      link('Redis, for several instances', 'packages/redis'),
      link('Telemetry', 'telemetry'),
      link('Audit log', 'audit'),
      link('The command', 'packages/cli'),
      link('What is promised', 'security'),
    ],
  },
  {
    text: 'For users',
    items: [link('When an agent acts for you', 'for-users')],
  },
  {
    text: 'For MCP authors',
    items: [
      link('MCP servers and clients', 'packages/mcp'),
      link('MCP of SDK 1', 'packages/mcp-sdk1'),
      link('The bridge', 'packages/mcp-bridge'),
    ],
  },
  {
    text: 'Protocol and proofs',
    items: [
      link('The protocol', 'protocol'),
      link('Worked messages', 'worked-messages'),
      link('Test vectors', 'vectors'),
      link('Conformance', 'conformance'),
      link('What the suite covers', 'conformance-coverage'),
      link('Results of our own', 'conformance-results'),
      link('The model', 'model'),
      link('Traces of the model', 'model-traces'),
      link('What it costs', 'bench'),
    ],
  },
  {
    text: 'Examples',
    items: [
      link('All examples', 'examples/'),
      link('Express behind nginx', 'examples/express-behind-nginx'),
      link('An MCP server', 'examples/mcp-server'),
      link('The loop of an agent', 'examples/agent-loop'),
      link('Beside an OAuth server', 'examples/beside-oauth'),
      link('Beside better-auth', 'examples/beside-better-auth'),
      link('A remote signer', 'examples/remote-signer'),
    ],
  },
  {
    text: 'Packages below',
    items: [
      link('httpsig', 'packages/httpsig'),
      link('protocol', 'packages/protocol'),
      link('conditions', 'packages/conditions'),
      link('discovery', 'packages/discovery'),
      link('store', 'packages/store'),
      link('server', 'packages/server'),
      link('audit', 'packages/audit'),
      link('issuer', 'packages/issuer'),
      link('conformance', 'packages/conformance'),
      link('vectors', 'packages/vectors'),
      link('playground', 'packages/playground'),
    ],
  },
  {
    text: 'The project',
    items: [link('Changes', 'changelog'), link('Contributing', 'contributing')],
  },
]
