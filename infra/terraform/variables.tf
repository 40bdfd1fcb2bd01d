variable "subscription_id" {
  description = "Subscription that everything is created in."
  type        = string
}

variable "name" {
  description = "Short name of the product in every resource name."
  type        = string
  default     = "arbitrage"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.name))
    error_message = "name must be 2 to 10 lower-case letters and digits, starting with a letter: storage accounts allow no more."
  }
}

variable "environment" {
  description = "dev, prod or another word that tells two deployments apart."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,5}$", var.environment))
    error_message = "environment must be 2 to 6 lower-case letters and digits, starting with a letter."
  }
}

variable "location" {
  description = "Azure region. Binance and Bybit refuse some countries, the United States among them."
  type        = string
  default     = "northeurope"
}

variable "tags" {
  description = "Further tags on every resource."
  type        = map(string)
  default     = {}
}

# The host

variable "hosting" {
  description = "Where the functions run: flex (Flex Consumption), consumption (Linux Consumption, retired on 30 September 2028), container_apps, container_instances, or none where Kubernetes runs them. One host only: two would scan twice."
  type        = string
  default     = "flex"

  validation {
    condition     = contains(["flex", "consumption", "container_apps", "container_instances", "none"], var.hosting)
    error_message = "hosting must be flex, consumption, container_apps, container_instances or none."
  }
  validation {
    condition     = !(var.hosting == "consumption" && var.private_networking)
    error_message = "Linux Consumption cannot join a virtual network: choose another hosting or private_networking = false."
  }
  validation {
    condition     = !(var.hosting == "consumption" && contains(["3.13", "3.14"], var.python_version))
    error_message = "Linux Consumption stops at Python 3.12: choose python_version = \"3.12\" or another hosting."
  }
}

variable "python_version" {
  description = "Python of the Function App. The package is built with the same one."
  type        = string
  default     = "3.12"

  validation {
    condition     = contains(["3.11", "3.12", "3.13"], var.python_version)
    error_message = "python_version must be 3.11, 3.12 or 3.13: the product is tested on these."
  }
}

variable "instance_memory_mb" {
  description = "Memory of a Flex Consumption instance, which is what running is billed by. 512 is the cheapest and has a quarter of a core; the app has not been run on it."
  type        = number
  default     = 2048

  validation {
    condition     = contains([512, 2048, 4096], var.instance_memory_mb)
    error_message = "instance_memory_mb must be 512, 2048 or 4096: Flex Consumption has no other sizes."
  }
}

variable "maximum_instances" {
  description = "Most instances the host may scale to. Flex Consumption scales timers, queues and HTTP apart and wants at least 40; containers run one to ten."
  type        = number
  default     = 40

  validation {
    condition     = var.maximum_instances >= 1 && var.maximum_instances <= 1000 && (var.hosting != "flex" || var.maximum_instances >= 40)
    error_message = "maximum_instances must be 1 to 1000, and at least 40 on Flex Consumption."
  }
}

variable "always_ready_scan" {
  description = "Instances of scan_timer that Flex Consumption keeps warm. Each is billed all day; zero pays with cold starts."
  type        = number
  default     = 0
}

variable "container_image" {
  description = "Repository and tag inside the container registry, for the container hostings: arbitrage:1.0.0."
  type        = string
  default     = null

  validation {
    condition     = var.container_image != null || !contains(["container_apps", "container_instances"], var.hosting)
    error_message = "A container hosting needs container_image, repository and tag inside the registry, as in arbitrage:1.0.0."
  }
}

variable "container_registry" {
  description = "Create a container registry; the container hostings create it anyway."
  type        = bool
  default     = false
}

variable "schedules" {
  description = "When the timers fire: second minute hour day month weekday, UTC. The host disables a function whose schedule is missing, so all four are always set."
  type = object({
    scan     = optional(string, "0 * * * * *")
    markets  = optional(string, "0 7 * * * *")
    compact  = optional(string, "0 20 * * * *")
    watchdog = optional(string, "30 * * * * *")
  })
  default = {}

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : length(split(" ", schedule)) == 6])
    error_message = "Every schedule has six fields: second minute hour day month weekday, as in 0 * * * * *."
  }
}

variable "settings" {
  description = "Further settings of the product by the name of their environment variable, as in { MIN_PROFIT = \"2\" }. Secrets belong into the key vault."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.settings), local.free_settings)) == 0
    error_message = "settings names something the product does not read, or that this configuration sets itself; the names are in settings.tf."
  }
}

# Data

variable "storage_replication" {
  description = "Replication of both storage accounts. The lake is the record of everything: ZRS or better in production."
  type        = string
  default     = "LRS"

  validation {
    condition     = contains(["LRS", "ZRS", "GRS", "GZRS"], var.storage_replication)
    error_message = "storage_replication must be LRS, ZRS, GRS or GZRS."
  }
}

variable "lake_cool_after_days" {
  description = "Age at which scans, trades and tables of the lake move to the cool tier."
  type        = number
  default     = 30
}

variable "lake_delete_after_days" {
  description = "Age at which recordings (snapshots, quotes) are deleted whatever the product's own retention says."
  type        = number
  default     = 120
}

variable "sql_admin" {
  description = "Entra user or group that administers the database; only Entra logins exist. Without it, the identity that runs Terraform. Where a pipeline runs it, take a group with the pipeline's identity and people in it."
  type = object({
    login     = string
    object_id = string
  })
  default = null
}

variable "sql_sku" {
  description = "Fixed tier of the database. Loads come every minute, so a serverless database would never pause."
  type        = string
  default     = "S0"
}

variable "sql_serverless" {
  description = "Serverless database instead of the fixed tier: for schedules that leave an hour without a load."
  type = object({
    max_vcores          = optional(number, 1)
    min_vcores          = optional(number, 0.5)
    pause_after_minutes = optional(number, 60)
  })
  default = null
}

variable "sql_max_size_gb" {
  description = "Largest size of the database."
  type        = number
  default     = 50
}

variable "operators" {
  description = "Object ids of the users or groups that set keys, read the lake, queue loads, change the state and keep releases. Whoever runs Terraform has only what deploying needs, and nothing more once somebody else runs it."
  type        = set(string)
  default     = []
}

variable "protect_data" {
  description = "Lock the lake and the database against deletion."
  type        = bool
  default     = false
}

# Seeing it

variable "log_retention_days" {
  description = "How long the workspace keeps logs and metrics."
  type        = number
  default     = 30
}

variable "log_daily_gb" {
  description = "Most that the workspace takes a day; what comes later that day is dropped."
  type        = number
  default     = 1
}

variable "alert_emails" {
  description = "Addresses that alerts and budget warnings go to. Set it where every plan finds it: in the file of the environment, or as TF_VAR_alert_emails."
  type        = list(string)
  default     = []
}

variable "alert_webhook_url" {
  description = "Webhook that the watchdog sends alarms to. It is kept in the state, as every app setting is."
  type        = string
  default     = null
  sensitive   = true
}

variable "scan_silence_minutes" {
  description = "Minutes without a scan after which an alert fires."
  type        = number
  default     = 15

  validation {
    condition     = contains([5, 10, 15, 30, 45, 60], var.scan_silence_minutes)
    error_message = "scan_silence_minutes must be 5, 10, 15, 30, 45 or 60: alert rules know no other windows."
  }
}

variable "health_test" {
  description = "How often the health page is asked from outside, and from where. Each asking from each place is billed, so this can cost more than the app: no-scans tells sooner that the app stands still."
  type = object({
    every_seconds = optional(number, 900)
    places        = optional(list(string), ["emea-nl-ams-azr", "emea-gb-db3-azr", "emea-se-sto-edge"])
  })
  default = {}

  validation {
    condition     = contains([300, 600, 900], var.health_test.every_seconds) && length(var.health_test.places) > 0
    error_message = "health_test.every_seconds must be 300, 600 or 900, and health_test.places name one place at least."
  }
}

variable "budget" {
  description = "Budget of the resource group a month, in the currency of the subscription; null for none."
  type        = number
  default     = null
}

variable "grafana" {
  description = "Create an Azure Managed Grafana."
  type        = bool
  default     = false
}

variable "grafana_version" {
  description = "Major version of the managed Grafana."
  type        = string
  default     = "12"
}

variable "grafana_admins" {
  description = "Object ids of the users or groups that administer Grafana; without any the operators, and without those whoever runs Terraform."
  type        = set(string)
  default     = []
}

# Optional parts

variable "openai" {
  description = "Create an Azure OpenAI resource and deployment, used with the managed identity; null leaves the rules or an API key."
  type = object({
    location            = optional(string)
    model               = optional(string, "gpt-5-mini")
    version             = optional(string, "2025-08-07")
    sku                 = optional(string, "GlobalStandard")
    thousand_tokens_min = optional(number, 50)
  })
  default = null
}

variable "private_networking" {
  description = "Reach storage, key vault and database through private endpoints only. Terraform and the pipeline then need an agent inside the network."
  type        = bool
  default     = false
}

variable "address_space" {
  description = "Address space of the virtual network, a /22 or larger."
  type        = string
  default     = "10.40.0.0/22"

  validation {
    condition     = can(cidrsubnet(var.address_space, 2, 3)) && tonumber(split("/", var.address_space)[1]) <= 22
    error_message = "address_space must be a CIDR block of /22 or larger, as in 10.40.0.0/22."
  }
}

variable "kubernetes" {
  description = "Trust the service accounts of the pods and of KEDA's operator with the identity of the product (workload identity). The operator's names are those of the AKS add-on; Helm's namespace is keda."
  type = object({
    issuer_url           = string
    namespace            = optional(string, "arbitrage")
    service_account      = optional(string, "arbitrage")
    keda_namespace       = optional(string, "kube-system")
    keda_service_account = optional(string, "keda-operator")
  })
  default = null
}
