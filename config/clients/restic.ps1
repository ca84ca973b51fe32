# Stands in the place of restic and puts a fresh writer tag into the address of a Lockkeeper gateway, so that the gateway
# knows which run each request belongs to: rest:http://HOST/REPO becomes rest:http://HOST/-/w/TAG/REPO. Every rest: address
# counts as a gateway's, and RCLONE_WEBDAV_URL where it leads to /-/dav; all else passes unchanged. See docs/CLIENTS.md.
#   LOCKKEEPER_RESTIC  the real restic; restic.exe of PATH where it is not set
#   LOCKKEEPER_TAG     the tag; a fresh one where it is not set
$restic = $env:LOCKKEEPER_RESTIC
if (-not $restic) { $restic = @(Get-Command restic -CommandType Application -ErrorAction Stop)[0].Source }
$machine = [Environment]::MachineName -replace '[^A-Za-z0-9._~-]', '-'
$tag = $env:LOCKKEEPER_TAG
if (-not $tag) { $tag = $machine.Substring(0, [Math]::Min(27, $machine.Length)) + '-' + [guid]::NewGuid() }

# An address that has a tag keeps it.
function Add-Tag([string] $address) {
  if ($address -match '/-/w/') { return $address }
  if ($address -cmatch '^(rest:https?://[^/]+)(/.*)?$') {
    $path = if ($Matches[2]) { $Matches[2] } else { '/' }
    return $Matches[1] + "/-/w/$tag" + $path
  }
  return $address
}

# The address of a file goes into the environment, where no other user can read it: it may hold a password.
function Use-File([string] $file) {
  $env:RESTIC_REPOSITORY = Add-Tag ((Get-Content -LiteralPath $file -ErrorAction Stop -TotalCount 1).Trim())
  $env:RESTIC_REPOSITORY_FILE = $null
}

if ($env:RCLONE_WEBDAV_URL -match '^(https?://[^/]+)(/-/dav(/.*)?)$') {
  $env:RCLONE_WEBDAV_URL = $Matches[1] + "/-/w/$tag" + $Matches[2]
}
$words = @(); $named = $false
for ($at = 0; $at -lt $args.Count; $at++) {
  $word = [string] $args[$at]; $next = [string] $args[$at + 1]
  if ($word -ceq '--') { $words += $args[$at..($args.Count - 1)]; break }
  elseif ($word -cin '-r', '--repo') { $words += $word, (Add-Tag $next); $at++; $named = $true }
  elseif ($word -ceq '--repository-file') { Use-File $next; $at++; $named = $true }
  elseif ($word -cmatch '^--repository-file=(.*)$') { Use-File $Matches[1]; $named = $true }
  elseif ($word -cmatch '^(--repo=|-r=?)(.+)$') { $words += $Matches[1] + (Add-Tag $Matches[2]); $named = $true }
  else { $words += $word }
}
if (-not $named -and $env:RESTIC_REPOSITORY) { $env:RESTIC_REPOSITORY = Add-Tag $env:RESTIC_REPOSITORY }
elseif (-not $named -and $env:RESTIC_REPOSITORY_FILE) { Use-File $env:RESTIC_REPOSITORY_FILE }
& $restic @words
exit $LASTEXITCODE
