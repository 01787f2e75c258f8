/** The flag of an option, e.g. `--auth-server` for `authServer`. */
export function flagOf(name: string): string {
  return `--${kebabCase(name)}`
}

/** The environment variable of an option, e.g. `COUNTERSIGN_AUTH_SERVER` for `authServer`. */
export function variableOf(name: string): string {
  return `COUNTERSIGN_${kebabCase(name).replaceAll('-', '_').toUpperCase()}`
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}
