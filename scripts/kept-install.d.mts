export function keptInstall(name: string, packages: readonly string[]): string | undefined
