import path from 'node:path'

/** A path as a glob pattern that matches it and nothing else (the syntax of @actions/glob). */
export function escapeGlob(file: string): string {
  // On Windows the backslash divides; elsewhere it is a character of the name, and in a pattern the escape.
  const divided = path.sep === '\\' ? file.replaceAll('\\', '/') : file.replaceAll('\\', '\\\\')
  return divided.replace(/[[?*]/g, '[$&]')
}

/** Whether a line of `files` takes away what others name: `!dist/*.zip`. */
export function isExclusion(line: string): boolean {
  return (/^[!\s]*/.exec(line)?.[0].replace(/\s/g, '').length ?? 0) % 2 === 1
}

/**
 * The pattern of a line of `files`, without its `!`, with an absolute beginning: `dist/*.whl` is below `root`. A
 * pattern that begins with the workspace's own path is one of `root` too (links in it resolved), so that inclusions and
 * exclusions are about the same paths however they are written.
 */
export function absolutePattern(line: string, workspace: string, root: string): string {
  const pattern = line.replace(/^[!\s]+/, '').trimEnd()
  if (/^~(?:[/\\]|$)/.test(pattern)) return pattern
  if (!path.isAbsolute(pattern)) return `${escapeGlob(root)}/${pattern.replace(/^(?:\.[/\\]+)+/, '')}`
  const beginning = [workspace, escapeGlob(workspace)].find((known) => /^[/\\]/.test(afterPrefix(pattern, known)))
  return beginning === undefined ? pattern : `${escapeGlob(root)}${afterPrefix(pattern, beginning)}`
}

function afterPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : ''
}

/** What an exclusion takes away, as patterns: the files that it matches, and all below a directory that it matches. */
export function exclusions(pattern: string): string[] {
  const trimmed = pattern.replace(/[/\\]+$/, '')
  return [`!${trimmed}`, `!${trimmed}/**`]
}
