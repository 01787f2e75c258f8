// Writes the API reference of all public entry points as Markdown, from the comments in the declarations that are published.
// usage: node reference/generate.mjs [FOLDER], after a build. `npm run docs:api` installs and builds first.
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, Converter, LogLevel } from 'typedoc'
import { packages } from '../scripts/packages.mjs'
import { faultsOf } from './check-model.mjs'
import { brokenLinks, mendAnchors } from './check-pages.mjs'
import { linkProtocol, unknownSections } from './protocol-links.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))

/** From the lowest floor up. A name that several packages export stands at the first, and the others link to it. */
const floors = ['httpsig', 'protocol', 'conditions', 'discovery', 'store', 'server', 'verify', 'agent', 'resource']

function floorOf({ room }) {
  const floor = floors.indexOf(room.slice('packages/'.length))
  return floor === -1 ? floors.length : floor
}

/** The public entry points: the declaration file and the source of each, and what is imported, such as `@countersign/agent/node`. */
const entries = packages()
  .filter(({ room }) => room.startsWith('packages/'))
  .toSorted((one, other) => floorOf(one) - floorOf(other))
  .flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([subpath]) => !subpath.startsWith('./internal'))
      .map(([subpath, paths]) => ({
        file: resolve(folder, paths.types),
        source: `${manifest.name} ${paths['@countersign/source'].slice(2)}`,
        name: manifest.name + subpath.slice(1),
      })),
  )

const out = resolve(process.argv[2] ?? `${here}api`)
rmSync(out, { recursive: true, force: true })

const app = await Application.bootstrapWithPlugins({
  name: 'Countersign API',
  entryPoints: entries.map(({ file }) => file),
  tsconfig: `${here}tsconfig.json`,
  plugin: ['typedoc-plugin-markdown'],
  router: 'module',
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  // The project's own compiler has checked the types.
  skipErrorChecking: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useHTMLAnchors: true,
  logLevel: LogLevel.Warn,
  // Types that are not exported are looked for below: TypeDoc would do so within one package only.
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: false },
})

// Before links are resolved and pages are named.
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.children ?? []) {
    const { packageName, packagePath } = project.getSymbolIdFromReflection(module)
    module.name = entries.find(({ source }) => source === `${packageName} ${packagePath}`).name
  }
  linkProtocol(project)
})

const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
app.options.setValue('outputs', [{ name: 'markdown', path: out }])
await app.generateOutputs(project)
mendAnchors(out)

const faults = [...faultsOf(app.serializer.projectToObject(project, '/')), ...unknownSections(), ...brokenLinks(out)]
for (const fault of faults) console.error(fault)
if (app.logger.hasErrors() || app.logger.hasWarnings() || faults.length > 0) process.exit(1)
console.log(`${entries.length} entry points in ${out}`)
