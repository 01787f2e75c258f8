// What is wrong with the reference before it is written: exports without a comment, and types that a reader cannot look up.

/** @returns one line for each fault of a serialised TypeDoc project */
export function faultsOf(project) {
  const packageOf = module => project.symbolIdMap[module.id].packageName
  const owners = new Map()
  for (const module of project.children)
    visit(module.children, node => {
      if (typeof node.id === 'number' && node.variant === 'declaration') owners.set(node.id, module)
    })
  const faults = new Set()
  for (const module of project.children) {
    const offered = offeredBy(project.children.filter(other => packageOf(other) === packageOf(module)))
    for (const declared of (module.children ?? []).filter(({ variant }) => variant !== 'reference')) {
      const where = `${module.name} ${declared.name}`
      if (!isDocumented(declared)) faults.add(`${where}: has no comment`)
      for (const { name, target } of referencesIn(declared)) {
        if (typeof target === 'number') {
          const owner = owners.get(target)
          if (owner !== undefined && packageOf(owner) !== packageOf(module) && !offered.has(target))
            faults.add(`${where}: its type ${name} is not exported by ${packageOf(module)}`)
        } else if (target?.packageName?.startsWith('@countersign/')) {
          faults.add(`${where}: its type ${name} of ${target.packageName} is not exported`)
        }
      }
    }
  }
  return [...faults]
}

/** What other packages declare and these entry points export again. */
function offeredBy(modules) {
  return new Set(
    modules.flatMap(({ children = [] }) =>
      children.filter(({ variant }) => variant === 'reference').map(({ target }) => target),
    ),
  )
}

function isDocumented({ comment, signatures, type }) {
  const comments = [comment, signatures?.[0]?.comment, type?.declaration?.signatures?.[0]?.comment]
  return comments.some(one => one?.summary?.length > 0)
}

/** Where TypeDoc says what else extends a type, or where a member comes from: no part of its declaration. */
const backward = new Set(['extendedBy', 'implementedBy', 'inheritedFrom', 'overwrites', 'implementationOf'])

/** The types that stand in a declaration. */
function referencesIn(declared) {
  const found = []
  visit(declared, node => {
    if (node.type === 'reference' && node.refersToTypeParameter !== true) found.push(node)
  })
  return found
}

function visit(node, see) {
  if (typeof node !== 'object' || node === null) return
  see(node)
  for (const [member, value] of Object.entries(node)) if (!backward.has(member)) visit(value, see)
}
