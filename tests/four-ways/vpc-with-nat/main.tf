# Public and private subnets in two zones, a NAT gateway in each, web servers in front of a database.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

data "aws_availability_zones" "here" {
  state = "available"
}

locals {
  zones   = ["us-east-1a", "us-east-1b"]
  private = { a = "10.0.11.0/24", b = "10.0.12.0/24" }
}

module "net" {
  source  = "./modules/net"
  name    = "shop"
  cidr    = "10.0.0.0/16"
  zones   = local.zones
  public  = ["10.0.1.0/24", "10.0.2.0/24"]
  private = ["10.0.11.0/24", "10.0.12.0/24"]
}

resource "aws_security_group" "web" {
  name   = "web"
  vpc_id = module.net.vpc_id
  tags   = { Name = "web" }

  ingress {
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "db" {
  name   = "db"
  vpc_id = module.net.vpc_id
  tags   = { Name = "db" }
}

resource "aws_vpc_security_group_ingress_rule" "db_from_web" {
  security_group_id            = aws_security_group.db.id
  referenced_security_group_id = aws_security_group.web.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "db_out" {
  security_group_id = aws_security_group.db.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_instance" "web" {
  count                       = 2
  subnet_id                   = module.net.public_subnet_ids[count.index]
  private_ip                  = cidrhost(["10.0.1.0/24", "10.0.2.0/24"][count.index], 10)
  vpc_security_group_ids      = [aws_security_group.web.id]
  associate_public_ip_address = true
  tags                        = { Name = "web-${count.index + 1}" }
}

resource "aws_instance" "db" {
  for_each               = module.net.private_subnets
  subnet_id              = each.value
  private_ip             = cidrhost(local.private[each.key], 10)
  vpc_security_group_ids = [aws_security_group.db.id]
  tags                   = { Name = "db-${each.key}" }
}

resource "aws_network_acl" "private" {
  vpc_id     = module.net.vpc_id
  subnet_ids = values(module.net.private_subnets)
  tags       = { Name = "private" }

  ingress {
    rule_no    = 90
    action     = "deny"
    protocol   = "tcp"
    cidr_block = "10.0.2.0/24"
    from_port  = 5432
    to_port    = 5432
  }
  ingress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
  egress {
    rule_no    = 100
    action     = "allow"
    protocol   = "-1"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
}
