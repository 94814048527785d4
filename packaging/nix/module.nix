# services.roost.cache: the image cache as a NixOS service, and Docker told to ask it first.
#
#   imports = [ ./roost/packaging/nix/module.nix ];
#   services.roost.cache = { enable = true; package = roost; maxSize = "50gb"; };
{ config, lib, pkgs, utils, ... }:

let
  cfg = config.services.roost.cache;

  # Names of variables hold letters, digits and underscores only: docker.io becomes DOCKER_IO.
  variable = name: lib.toUpper (builtins.replaceStrings [ "." "-" ":" ] [ "_" "_" "_" ] name);
  urls = lib.filterAttrs (_: upstream: upstream.url != null) cfg.upstreams;
  users = lib.filterAttrs (_: upstream: upstream.user != null) cfg.upstreams;
  tokens = lib.filterAttrs (_: upstream: upstream.tokenFile != null) cfg.upstreams;

  # The one text of the unit, hardening included; what differs here is in serviceConfig below.
  unit = pkgs.writeTextDir "lib/systemd/system/roost-cache.service"
    (builtins.readFile ../systemd/roost-cache.service);

  arguments =
    [ "${cfg.package}/bin/roost" "cache" "serve" "--listen" cfg.listen "--dir" "/var/cache/roost-cache" ]
    ++ lib.optionals (cfg.maxSize != null) [ "--max-size" cfg.maxSize ]
    ++ lib.optionals (cfg.minFree != null) [ "--min-free" cfg.minFree ]
    ++ lib.concatLists (lib.mapAttrsToList (name: upstream: [ "--upstream" "${name}=${upstream.url}" ]) urls);
in
{
  options.services.roost.cache = {
    enable = lib.mkEnableOption "the image cache of Roost";

    package = lib.mkOption {
      type = lib.types.package;
      description = "The package that has bin/roost.";
    };

    listen = lib.mkOption {
      type = lib.types.strMatching "(127\\.[0-9]+\\.[0-9]+\\.[0-9]+|localhost|\\[::1]):[0-9]+";
      default = "127.0.0.1:5555";
      description = "Where the cache listens: an address of this machine alone, and a port.";
    };

    maxSize = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "50gb";
      description = "The most that the cache may take of the disk.";
    };

    minFree = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      example = "5gb";
      description = "What the cache leaves free on the disk.";
    };

    upstreams = lib.mkOption {
      default = { };
      example = lib.literalExpression ''
        {
          "docker.io" = { user = "me"; tokenFile = "/run/secrets/docker-hub"; };
          "registry.example.org" = { url = "https://registry.example.org"; };
        }
      '';
      description = "Registries that the cache asks, beside the usual ones or instead of what it knows of them.";
      type = lib.types.attrsOf (lib.types.submodule {
        options = {
          url = lib.mkOption {
            type = lib.types.nullOr lib.types.str;
            default = null;
            description = "Its address; not needed for those that the cache knows.";
          };
          user = lib.mkOption {
            type = lib.types.nullOr lib.types.str;
            default = null;
            description = "Who the token belongs to.";
          };
          tokenFile = lib.mkOption {
            type = lib.types.nullOr lib.types.str;
            default = null;
            description = ''
              A file with an access token, outside the Nix store, which everybody can read. systemd reads it as root
              and shows it to the cache alone.
            '';
          };
        };
      });
    };

    dockerMirror = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether Docker asks the cache first.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = lib.mapAttrsToList
      (name: upstream: {
        assertion = !(lib.hasPrefix builtins.storeDir upstream.tokenFile);
        message = "services.roost.cache.upstreams.\"${name}\".tokenFile lies in the Nix store, which everybody can read";
      })
      tokens;

    systemd.packages = [ unit ];
    systemd.services.roost-cache = {
      wantedBy = [ "multi-user.target" ];
      environment =
        lib.mapAttrs' (name: upstream: lib.nameValuePair "ROOST_CACHE_${variable name}_USER" upstream.user) users
        // lib.mapAttrs' (name: _: lib.nameValuePair "ROOST_CACHE_${variable name}_TOKEN_FILE" "%d/${name}") tokens;
      serviceConfig = {
        # The empty one takes back that of the unit's file.
        ExecStart = [ "" (utils.escapeSystemdExecArgs arguments) ];
        LoadCredential = lib.mapAttrsToList (name: upstream: "${name}:${upstream.tokenFile}") tokens;
      };
    };

    virtualisation.docker.daemon.settings = lib.mkIf cfg.dockerMirror {
      registry-mirrors = lib.mkBefore [ "http://${cfg.listen}" ];
    };
  };
}
